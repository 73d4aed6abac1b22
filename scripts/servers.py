"""Make the servers of the demo and the tests available, without starting any.

    python scripts/servers.py prometheus victoria-metrics alertmanager … [--optional]

A program on PATH wins. Prometheus, VictoriaMetrics and Alertmanager are otherwise unpacked from
Debian's packages into `.servers/`, which needs no root. PostgreSQL and Chromium have too many
libraries for that: they are installed with apt-get where we may, and asked for in one line where
we may not.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".servers"
POSTGRESQL = Path("/usr/lib/postgresql")
# Without this file Debian's package makes a cluster and starts it at once.
NO_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")
ALSO_CALLED = {
    "alertmanager": ("prometheus-alertmanager",),
    "postgresql": ("postgres",),
    "chromium": ("chromium-browser", "google-chrome"),
}


class MissingError(Exception):
    """A server is not here and cannot be fetched; the message says what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a server comes from.

    Attributes:
        programs: All must be there; the first is the server itself.
        package: Debian's name.
        unpack: Whether the package works unpacked into a folder, without root.
    """

    programs: tuple[str, ...]
    package: str
    unpack: bool


SERVERS = {
    "prometheus": Server(programs=("prometheus", "promtool"), package="prometheus", unpack=True),
    "alertmanager": Server(
        programs=("alertmanager", "amtool"), package="prometheus-alertmanager", unpack=True
    ),
    "postgresql": Server(
        programs=("postgresql", "initdb", "pg_ctl"), package="postgresql", unpack=False
    ),
    "chromium": Server(programs=("chromium",), package="chromium", unpack=False),
    "victoria-metrics": Server(
        programs=("victoria-metrics",), package="victoria-metrics", unpack=True
    ),
}


def find(name: str, folder: Path = FOLDER) -> Path | None:
    """Return the program `name`, such as `promtool` or `initdb`, or None if it is not here."""
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    places += [str(folder / "usr/bin"), *map(str, _postgresql_folders())]
    for program in (name, *ALSO_CALLED.get(name, ())):
        if path := shutil.which(program, path=os.pathsep.join(places)):
            return Path(path)
    return None


def ensure(name: str, folder: Path = FOLDER) -> Path:
    """Return the server `name` of `SERVERS`, fetched first if it is not here.

    Raises:
        MissingError: It is not here and cannot be fetched.
    """
    server = SERVERS[name]
    if not _complete(server, folder):
        if not shutil.which("apt-get") or not shutil.which("dpkg"):
            raise MissingError(f"install {_spelled(server)}: this is no Debian or Ubuntu")
        if server.unpack:
            _unpack(server.package, folder)
        else:
            _install(server.package)
    path = find(name, folder)
    if path is None or not _complete(server, folder):
        raise MissingError(f"install {_spelled(server)}: Debian's {server.package} lacks it")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch the servers named, print a line for each, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="+", choices=sorted(SERVERS), metavar="SERVER")
    parser.add_argument("--optional", action="store_true", help="exit 0 even if one is missing")
    options = parser.parse_args(arguments)
    missing = 0
    for name in options.names:
        try:
            print(f"{name}: {ensure(name)}", flush=True)
        except MissingError as error:
            missing += 1
            print(f"{name}: missing; {error}", file=sys.stderr, flush=True)
    return 1 if missing and not options.optional else 0


def _complete(server: Server, folder: Path) -> bool:
    return all(find(program, folder) for program in server.programs)


def _postgresql_folders() -> list[Path]:
    versions = [p for p in POSTGRESQL.glob("*/bin") if p.parent.name.isdigit()]
    return sorted(versions, key=lambda p: int(p.parent.name), reverse=True)


def _spelled(server: Server) -> str:
    return f"{' and '.join(server.programs)} (on Debian: apt-get install {server.package})"


def _unpack(package: str, folder: Path) -> None:
    download = folder / "download"
    shutil.rmtree(download, ignore_errors=True)
    download.mkdir(parents=True)
    fetch = ["apt-get", "download", "-q", package]
    try:
        if not _run(fetch, cwd=download):
            # Lists of our own: without root, those of the system cannot be refreshed.
            lists = [*_private_lists(folder)]
            _run(["apt-get", *lists, "update", "-q"], must="refresh the package lists")
            fetch[1:1] = lists
            _run(fetch, cwd=download, must=f"download {package}; install it by hand")
        for archive in download.glob("*.deb"):
            _run(["dpkg", "-x", str(archive), str(folder)], must=f"unpack {archive.name}")
    finally:
        shutil.rmtree(download, ignore_errors=True)


def _private_lists(folder: Path) -> list[str]:
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / "apt" / part).mkdir(parents=True, exist_ok=True)
    apt = folder / "apt"
    return ["-o", f"Dir::State::lists={apt / 'lists'}", "-o", f"Dir::Cache={apt / 'cache'}"]


def _install(package: str) -> None:
    sudo = _sudo()
    if sudo is None:
        raise MissingError(f"run as root: apt-get install --no-install-recommends {package}")
    if package == "postgresql" and not NO_CLUSTER.exists():
        line = f"mkdir -p {NO_CLUSTER.parent} && echo create_main_cluster=false > {NO_CLUSTER}"
        _run([*sudo, "sh", "-c", line], must=f"write {NO_CLUSTER}")
    install = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q"]
    install += ["--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", package]
    if not _run(install):
        _run([*sudo, "apt-get", "update", "-q"], must="refresh the package lists")
        _run(install, must=f"install {package}")


def _sudo() -> list[str] | None:
    """Return what to put before a command to run it as root, or None if we may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and _run(["sudo", "-n", "true"]):
        return ["sudo", "-n"]
    return None


def _run(command: list[str], *, cwd: Path | None = None, must: str = "") -> bool:
    """Run `command` and say whether it went well; with `must`, failing to is a MissingError."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode and must:
        said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise MissingError(f"could not {must}: {said}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
