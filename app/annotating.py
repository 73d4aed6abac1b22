"""`wakeful annotate`: one thing that happened, for everyone who looks at that time."""

import argparse
from typing import Any

from alerts import annotations
from alerts.annotations import AnnotationError
from alerts.wiring import Wiring
from models.vocabulary import AnnotationKind


def describe(parser: argparse.ArgumentParser) -> None:
    """Give `parser` what the command understands."""
    parser.add_argument("title", metavar="TITLE", help="What happened, such as 'copilot 1.4.2'")
    parser.add_argument("--kind", choices=list(AnnotationKind), default=AnnotationKind.DEPLOY.value)
    parser.add_argument("--at", metavar="ISO", help="When, with its offset; now without")
    parser.add_argument("--end", metavar="ISO", help="When it was over, if it took some time")
    parser.add_argument("--url", default="", help="Where to read more")
    parser.add_argument("--by", default="", help="Who; WAKEFUL_USER or the login name without")
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="Whom it is about, such as feature=chat; can be repeated",
    )


def annotated(wiring: Wiring, options: argparse.Namespace) -> str:
    """Write the annotation down and return the line to print.

    Raises:
        AnnotationError: It cannot be kept.
    """
    said: dict[str, Any] = {
        "title": options.title,
        "kind": options.kind,
        "labels": dict(map(_pair, options.label)),
        "url": options.url,
        "author": options.by,
    }
    said |= {name: at for name in ("at", "end") if (at := getattr(options, name))}
    row, is_new = annotations.annotate(
        wiring.db, annotations.read(said), now=wiring.clock(), by=wiring.settings.local_user
    )
    known = "" if is_new else ", as was known"
    return f"annotation {row.id}: {row.kind} {row.title} at {row.at:%Y-%m-%d %H:%M:%S} UTC{known}"


def _pair(text: str) -> tuple[str, str]:
    name, is_pair, value = text.partition("=")
    if not is_pair:
        raise AnnotationError(f"--label {text!r} is not written as name=value")
    return name.strip(), value.strip()
