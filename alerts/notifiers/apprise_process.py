"""One message through Apprise, as a process of its own, which can be killed: see `apprise`.

Reads a JSON object from its standard input and writes one to its output; what the plugins of
Apprise write elsewhere is nobody's.

Source: https://appriseit.com/library/
"""

import json
import sys
from typing import Any

from apprise import Apprise, AppriseAsset, NotifyFormat

SAID_LIMIT = 1000


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Return whether the address was understood, whether the message was sent, and what was said.

    Args:
        asked: The address as `url`; `title`, `body` and `kind` (Apprise's), unless it is only to
            be understood.
    """
    known = Apprise(asset=AppriseAsset(app_id="Wakeful", app_desc="Wakeful alerts"))
    if not known.add(asked["url"]):
        return {"understood": False, "sent": False, "said": ""}
    if "body" not in asked:
        return {"understood": True, "sent": False, "said": ""}
    sent = known.notify(
        asked["body"],
        title=asked["title"],
        notify_type=asked["kind"],
        body_format=NotifyFormat.TEXT,
    )
    said = " ".join(entry.message for entry in sent.logs())
    return {"understood": True, "sent": bool(sent), "said": said[:SAID_LIMIT]}


if __name__ == "__main__":
    answered = answer(json.load(sys.stdin))
    sys.stdout.write("\n" + json.dumps(answered))
