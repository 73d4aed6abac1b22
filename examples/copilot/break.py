"""Break or heal the running copilot: `python -m examples.copilot.break slow-model`, `… heal`."""  # noqa: N999 - the command reads so

import argparse
import sys

import httpx2

from examples.copilot.breaks import STORIES, Break

HEAL = "heal"


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m examples.copilot.break")
    parser.add_argument("what", choices=[*Break, HEAL], help="what to break, or heal")
    parser.add_argument("--url", default="http://127.0.0.1:8600", help="where the copilot is")
    options = parser.parse_args()
    path, form = ("/heal", {}) if options.what == HEAL else ("/break", {"what": options.what})
    try:
        answer = httpx2.post(f"{options.url}{path}", data=form, timeout=5, trust_env=False)
    except httpx2.HTTPError as error:
        print(f"the copilot does not answer at {options.url}: {error}", file=sys.stderr)
        return 1
    if answer.status_code != 303:
        print(f"the copilot refused: {answer.text}", file=sys.stderr)
        return 1
    print("Healed." if options.what == HEAL else STORIES[Break(options.what)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
