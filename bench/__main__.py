"""`python -m bench [PART …] [--large]`: measure, print, write docs/bench.md."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import crowd, finding, hindsight, ingest, pages, paging, paint, phoenix, rules
from bench.processes import BenchError
from bench.report import Table, circumstances
from models.clock import utc_now

PARTS: dict[str, Callable[..., list[Table]]] = {
    "rules": rules.measure,
    "hindsight": hindsight.measure,
    "ingest": ingest.measure,
    "finding": finding.measure,
    "phoenix": phoenix.measure,
    "pages": pages.measure,
    "paint": paint.measure,
    "paging": paging.measure,
    "crowd": crowd.measure,
}
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "bench.md"
HEAD = """# Figures

Written by `make bench`. Trust ratios within a table more than times: a machine's neighbours, and
its load, move times by a third.
"""


def main() -> int:
    """Measure the parts that are named, or all; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument(
        "--large", action="store_true", help="also 10,000 rules; 10,000,000 spans; PostgreSQL"
    )
    parser.add_argument("--keep", action="store_true", help="leave docs/bench.md as it is")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    said = [HEAD, circumstances(now=utc_now())]
    print(said[-1], flush=True)
    loads = [os.getloadavg()[0]]
    failed = False
    for name in options.parts or PARTS:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as folder:
            try:
                tables = PARTS[name](Path(folder), large=options.large)
            except BenchError as error:
                print(f"{name}: {error}", file=sys.stderr)
                failed = True
                continue
        loads.append(os.getloadavg()[0])
        said += [table.markdown() for table in tables]
        print("\n" + "\n\n".join(table.markdown() for table in tables), flush=True)
        print(f"\n({name} took {time.monotonic() - started:.0f} s)", flush=True)
    # A part by itself loads one core or two; what is above that was somebody else.
    said.insert(2, f"Load average before and after each part: {', '.join(map(_rounded, loads))}.")
    print(f"\n{said[2]}")
    if not (options.keep or options.parts or failed):
        DOCUMENT.write_text("\n\n".join(part.strip() for part in said) + "\n")
        print(f"\nwritten to {DOCUMENT}")
    return 1 if failed else 0


def _rounded(load: float) -> str:
    return f"{load:.1f}"


if __name__ == "__main__":
    sys.exit(main())
