"""One request's way from the complaint to the cause, as Markdown, for a ticket. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from app.case_evidence import QUESTIONS, Evidence, Step
from models.tables import CaseNote

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#])")


def markdown(
    trace_id: str,
    found: Mapping[Step, Evidence],
    notes: Sequence[CaseNote],
    *,
    url: str,
    now: datetime,
) -> str:
    """Return the report; times are UTC.

    Args:
        trace_id: Of the request.
        found: What each step found.
        notes: What people noted, oldest first.
        url: Where it can be read on.
        now: When it is written.
    """
    lines = [f"# Request {trace_id}", "", f"<{url}>, written {now:%Y-%m-%d %H:%M} UTC."]
    for number, (step, question) in enumerate(QUESTIONS.items(), start=1):
        lines += ["", f"## {number}. {question}", ""]
        evidence = found.get(step)
        lines += [f"- {_plain(said)}" for said in evidence.said] if evidence else ["- Not known."]
        for note in notes:
            if note.step == step.value:
                text = "\n> ".join(map(_plain, note.text.splitlines()))
                by = f"{_plain(note.author)}, {note.at:%Y-%m-%d %H:%M} UTC"
                lines += ["", f"> {text}", ">", f"> {by}"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
