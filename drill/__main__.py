"""`python -m drill [--kills N]`: print, and write docs/drill.md."""

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from drill.engine import POINTS
from drill.failover import Failover, failover
from drill.kills import Toll, drill
from drill.postgresql import postgresql
from drill.site import DrillError, site, sqlite
from models.clock import utc_now

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "drill.md"
HEAD = """# What a crash costs

Written by `make drill`. The engine is a real process, killed with SIGKILL at chosen boundaries
between decide, commit, send and record, again and again, while incidents begin and end. The
vendors are stand-ins that enforce the vendors' rules and keep what arrived, in its order.

*Folded* are events that PagerDuty got again under the same dedup key: it shows one incident.
*Twice* are posts in Slack beyond the first of an incident: Slack offers nothing by which a
repetition could be recognised, so a kill that catches a post before its record costs one. A kill
at any boundary may: another lane is posting meanwhile. So the posts that were caught are counted.
"""


def main() -> int:
    """Run the drills; return the exit code, which is 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m drill", description=__doc__)
    parser.add_argument("--kills", type=int, default=204, help="over both databases together")
    parser.add_argument("--alerts", type=int, default=1000, help="open at the failover")
    options = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    each = options.kills // 2
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            tolls = {"SQLite, one engine": _on_sqlite(Path(folder), each)}
            tolls["PostgreSQL, two engines"] = _on_postgresql(Path(folder), each)
            over = _failover(Path(folder), options.alerts)
    except DrillError as error:
        print(f"\nthe drill could not go on: {error}", file=sys.stderr)
        return 2
    said = _report(tolls, over)
    print(said)
    print(f"(took {time.monotonic() - started:.0f} s)")
    DOCUMENT.write_text(f"{HEAD}\nThe run of {utc_now():%Y-%m-%d}.\n\n{said}\n")
    return 0 if all(toll.clean for toll in tolls.values()) and not over.lost + over.doubled else 1


def _on_sqlite(folder: Path, kills: int) -> Toll:
    with sqlite(folder) as db, site(db, folder) as place:
        return drill(place, kills=kills, engines=1)


def _on_postgresql(folder: Path, kills: int) -> Toll:
    with postgresql() as db, site(db, folder) as place:
        return drill(place, kills=kills, engines=2)


def _failover(folder: Path, alerts: int) -> Failover:
    with postgresql() as db, site(db, folder) as place:
        return failover(place, alerts=alerts)


def _report(tolls: dict[str, Toll], over: Failover) -> str:
    lines = [f"| | {' | '.join(tolls)} |", f"| --- |{' --- |' * len(tolls)}"]
    lines += [_row(f"kills: {p}", [str(t.kills[p]) for t in tolls.values()]) for p in POINTS]
    kept = {
        "**kills in all**": lambda t: f"**{sum(t.kills.values())}**",
        "incidents": lambda t: str(t.incidents),
        "**lost**": lambda t: f"**{len(t.lost)}**",
        "**heard of after their end**": lambda t: f"**{len(t.disordered)}**",
        "**under several dedup keys**": lambda t: f"**{len(t.renamed)}**",
        "folded by PagerDuty": lambda t: str(t.folded),
        "posts in Slack caught before their record": lambda t: str(t.all_caught),
        "… by one kill at most": lambda t: str(t.most_caught),
        "twice in Slack": lambda t: str(t.twice),
    }
    lines += [_row(name, [show(toll) for toll in tolls.values()]) for name, show in kept.items()]
    lines += [
        "",
        f"Failover: of two engines on PostgreSQL one was killed while {over.alerts:,} alerts were "
        f"open and being told. The other evaluated after {over.evaluated_seconds:.1f} s and had "
        f"taken over everything after {over.taken_over_seconds:.1f} s; {over.lost} were lost, "
        f"{over.doubled} doubled at PagerDuty, {over.twice} posted twice in Slack.",
    ]
    return "\n".join(lines)


def _row(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
