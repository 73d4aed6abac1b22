"""Taking a calendar apart in a process of its own, so that one which never ends can be killed.

What somebody else's server sends may keep a processor busy for hours: a rule that recurs every
second, or on 30 February. The engine has pages to send meanwhile.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.calendars import Agenda, CalendarError, agenda

PATIENCE = timedelta(seconds=20)
_COMMAND = (sys.executable, "-I", "-m", "alerts.calendars.events")


def read(
    text: bytes,
    *,
    zone: str,
    known: Sequence[str],
    start: datetime,
    end: datetime,
    patience: timedelta = PATIENCE,
) -> Agenda:
    """Return what `events.read` does.

    Raises:
        CalendarError: As there; or it took more time or memory than a calendar may.
    """
    asked = {
        "zone": zone,
        "known": list(known),
        "start": start.isoformat(),
        "end": end.isoformat(),
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own module, in our own interpreter
            _COMMAND,
            input=json.dumps(asked).encode() + b"\n" + text,
            capture_output=True,
            timeout=patience.total_seconds(),
            check=True,
        )
        told = json.loads(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise CalendarError("the calendar takes longer to work out than it may") from error
    if "error" in told:
        raise CalendarError(str(told["error"]))
    return agenda(told)
