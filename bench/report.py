"""Figures as Markdown, and what they were measured on."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from scripts.servers import find

PACKAGES = ("duckdb", "pyarrow", "sqlalchemy", "streamlit", "uvicorn", "prometheus-api-client")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table, and what a reader must know to read it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """Return the table under its title, its notes below."""
        lines = [f"## {self.title}", "", _row(self.columns), _row(["---"] * len(self.columns))]
        lines += [_row(row) for row in self.rows]
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines)


def number(value: float, digits: int = 3) -> str:
    """Return `value` with that many significant digits, thousands set off."""
    if value >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def judged(value: float, target: float, *, digits: int = 3) -> str:
    """Return `value` beside the most it may be, and whether it is."""
    word = "met" if value <= target else "**missed**"
    return f"{number(value, digits)} (at most {number(target)}: {word})"


def circumstances(*, now: datetime) -> str:
    """Return one paragraph: date, machine, versions."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"Measured {now:%Y-%m-%d %H:%M} UTC by `make bench` at commit {_commit()}, on "
        f"{os.cpu_count()} cores ({_processor()}, {_memory()}), {_system()}. "
        f"Python {platform.python_version()}, {versions}, Prometheus "
        f"{_prometheus()}."
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{pages / 2**30:.0f} GiB"


def _system() -> str:
    try:
        release = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        release = platform.system()
    return f"{release}, kernel {platform.release()}"


def _prometheus() -> str:
    program = find("prometheus")
    if program is None:
        return "not here"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).split()[2]
