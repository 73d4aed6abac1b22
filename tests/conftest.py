"""What many tests share: real databases and stores."""

import faulthandler
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine, text

from models import database
from scripts import servers
from signals.traces.embedded import EmbeddedStore
from tests.real_stores import clickhouse_url, head_start, phoenix_starting, phoenix_url
from tests.spans import opened

__all__ = ["clickhouse_url", "head_start", "phoenix_starting", "phoenix_url"]

EXIT_SECONDS = 60

# The same cases each time, so that a run says what a change did. `HYPOTHESIS_PROFILE=explore`
# looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_unconfigure() -> None:
    """Fail, with every thread's stack, if something keeps the process alive after the tests."""
    faulthandler.dump_traceback_later(EXIT_SECONDS, exit=True)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case by its argument, never by its bytes: gzip writes the second into them.

    The workers of one run must all collect the same names.
    """
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Give `__main__` back: AppTest puts its script there, and leaves it to whoever spawns."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """An empty embedded trace store."""
    with opened(tmp_path) as store:
        yield store


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest) -> Engine:
    """An empty, migrated database: once SQLite, once PostgreSQL."""
    engine: Engine = request.getfixturevalue(f"{request.param}_db")
    return engine


@pytest.fixture
def sqlite_db(tmp_path: Path, sqlite_template: Path) -> Iterator[Engine]:
    path = tmp_path / "wakeful.db"
    shutil.copy(sqlite_template, path)
    engine = database.connect(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = database.connect(f"sqlite:///{path}")
    database.migrate(engine)
    with engine.connect() as connection:
        connection.connection.dbapi_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def postgresql_db(postgresql_url: str) -> Iterator[Engine]:
    name = f"t{uuid.uuid4().hex[:12]}"
    run_sql(f"{postgresql_url}/postgres", f"CREATE DATABASE {name} TEMPLATE template_wakeful")
    engine = database.connect(f"{postgresql_url}/{name}")
    yield engine
    engine.dispose()
    run_sql(f"{postgresql_url}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with started_postgresql() as url:
        yield url


@contextmanager
def started_postgresql() -> Iterator[str]:
    """A PostgreSQL of our own on a free loopback port, with a migrated template database."""
    programs = servers.ensure("postgresql").parent
    # Not pytest's folder: PostgreSQL will not run as root, and its user cannot get in there.
    folder = Path(tempfile.mkdtemp(prefix="wakeful-postgresql-"))
    folder.chmod(0o777)
    port, data = free_port(), folder / "data"
    _as_postgres([programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"])
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}"
    start = [programs / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"]
    _as_postgres(start)
    url = f"postgresql+psycopg://postgres@127.0.0.1:{port}"
    try:
        run_sql(f"{url}/postgres", "CREATE DATABASE template_wakeful")
        engine = database.connect(f"{url}/template_wakeful")
        database.migrate(engine)
        engine.dispose()
        yield url
    finally:
        _as_postgres([programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])
        shutil.rmtree(folder)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _as_postgres(command: list[Path | str]) -> None:
    user = pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None
    subprocess.run(command, check=True, user=user, cwd="/tmp", stdout=subprocess.DEVNULL)


def run_sql(url: str, statement: str) -> None:
    engine = database.connect(url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
