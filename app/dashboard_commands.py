"""`wakeful dashboards`: dashboards as files, in and out."""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlmodel import Session

from alerts.wiring import Role, Wiring
from app import dashboard_file, dashboard_grafana, dashboards
from app.dashboard_file import Offered
from app.dashboard_panels import DashboardError
from app.rule_commands import read
from app.started import start
from models.database import read_only
from models.tables import Dashboard
from signals import SignalError


def add_commands(book: argparse.ArgumentParser) -> None:
    """Add `import` and `export`."""
    actions = book.add_subparsers(dest="action", required=True, metavar="ACTION")
    meaning = "Take a file of dashboards, all of it or nothing"
    taking = actions.add_parser("import", help=meaning, description=meaning)
    taking.set_defaults(run=take)
    taking.add_argument("file", metavar="FILE", help="YAML; - for standard input")
    taking.add_argument("--dry-run", action="store_true", help="Say what it would do, only")
    meaning = "Write dashboards as a file: ours, or Grafana's"
    giving = actions.add_parser("export", help=meaning, description=meaning)
    giving.set_defaults(run=give)
    giving.add_argument("file", metavar="FILE", nargs="?", default="-", help="- for the terminal")
    giving.add_argument("--dashboard", default="", metavar="SLUG", help="One; all without")
    giving.add_argument("--format", choices=("wakeful", "grafana"), default="wakeful")


def take(options: argparse.Namespace) -> int:
    """Take a file, and say dashboard by dashboard what it does."""
    text = read(options.file)
    with closing(start(Role.TOOL)) as wiring, Session(wiring.db) as session:
        if options.dry_run:
            _report(dashboard_file.offered(session, text))
            print("Nothing was taken: this was a dry run.")
            return 0
        by = f"{wiring.settings.local_user} (import)"
        found = dashboard_file.take(session, text, by=by, now=wiring.clock())
    _report(found)
    print(f"Took {len(found)} dashboard{'' if len(found) == 1 else 's'}.")
    return 0


def give(options: argparse.Namespace) -> int:
    """Write dashboards, and say what a Grafana file cannot hold."""
    with closing(start(Role.TOOL)) as wiring, Session(read_only(wiring.db)) as session:
        rows = dashboards.every(session)
        if options.dashboard:
            rows = [row for row in rows if row.slug == options.dashboard]
            if not rows:
                raise DashboardError(f"there is no dashboard {options.dashboard!r}")
        text = _grafana(wiring, rows) if options.format == "grafana" else dashboard_file.dump(rows)
    if options.file == "-":
        print(text, end="")
    else:
        Path(options.file).write_text(text, encoding="utf-8")
    return 0


def _grafana(wiring: Wiring, rows: Sequence[Dashboard]) -> str:
    if len(rows) != 1:
        known = ", ".join(row.slug for row in rows)
        raise DashboardError(f"a Grafana file holds one dashboard: add --dashboard, of {known}")
    (row,) = rows
    prometheus = wiring.prometheus
    if prometheus is not None:
        with contextlib.suppress(SignalError):  # its usual names are taken then
            prometheus.stacks.look(at=wiring.clock())
    ask = (lambda query: prometheus.asked(query)[1]) if prometheus is not None else None
    data, notes = dashboard_grafana.export(dashboards.draft_of(row), row.slug, ask)
    for note in notes:
        print(f"left out: {note}", file=sys.stderr)
    return dashboard_grafana.write(data)


def _report(found: Sequence[Offered]) -> None:
    for one in found:
        print(f"{one.what:<10} {one.draft.title}{f'  (line {one.line})' if one.line else ''}")
        for said in (*map(str, one.differences), *([f"note: {one.note}"] if one.note else [])):
            print(f"{'':<10}   {said}")
