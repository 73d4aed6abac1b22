"""Calendars as text, line by line as vendors write them."""


def calendar(*events: str, head: str = "") -> bytes:
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//EN", head, *events, "END:VCALENDAR")
    return "\r\n".join(line for line in lines if line).encode()


def event(*lines: str, uid: str = "1", title: str = "ada@example.org") -> str:
    given = (f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{title}")
    return "\r\n".join(("BEGIN:VEVENT", *given, *lines, "END:VEVENT"))
