"""What a template may ask of a time: Format, Unix, Year … Source: https://pkg.go.dev/time#Time."""

import re
from collections.abc import Mapping

from alerts.rulecode.gotemplate.printing import bounded
from alerts.rulecode.gotemplate.values import Function, Named, Param, Time

# Longest first: Go's layout words are found in the layout as written.
_LAYOUT = re.compile(
    r"January|Monday|2006|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07"
    r"|Jan(?![a-z])|Mon(?![a-z])|MST|__2|002|_2(?!006)|01|02|03|04|05|06|15|PM|pm"
    r"|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5"
)
_STRFTIME = {
    "January": "%B",
    "Jan": "%b",
    "Monday": "%A",
    "Mon": "%a",
    "01": "%m",
    "02": "%d",
    "03": "%I",
    "04": "%M",
    "05": "%S",
    "06": "%y",
    "15": "%H",
    "002": "%j",
    "PM": "%p",
}


def time_at(nanoseconds: int) -> Time:
    """Return the time that many nanoseconds after 1970, cut to the millisecond."""
    milliseconds = abs(nanoseconds) // 1_000_000 * (-1 if nanoseconds < 0 else 1)
    seconds, rest = divmod(milliseconds, 1000)
    return Time(seconds, rest * 1_000_000)


def write_time(time: Time, layout: str) -> str:
    """Return a time by a Go layout: `2006-01-02 15:04:05`."""
    return bounded(_LAYOUT.sub(lambda found: _part(time, found[0]), layout))


def _part(time: Time, word: str) -> str:
    at = time.at
    if word[0] in ".,":
        digits = f"{time.nanoseconds:09}"[: len(word) - 1].ljust(len(word) - 1, "0")
        digits = digits.rstrip("0") if word[1] == "9" else digits
        return word[0] + digits if digits else ""
    if word[0] == "Z":
        return "Z"
    if word[0] == "-":
        return word.translate({ord("7"): "0", ord("-"): "+"})
    numbers = {
        "2006": f"{at.year:04}",
        "1": str(at.month),
        "2": str(at.day),
        "_2": f"{at.day:2}",
        "__2": f"{at.timetuple().tm_yday:3}",
        "3": str(at.hour % 12 or 12),
        "4": str(at.minute),
        "5": str(at.second),
        "MST": "UTC",
        "pm": f"{at:%p}".lower(),
    }
    return numbers[word] if word in numbers else at.strftime(_STRFTIME[word])


def methods(time: Time) -> Mapping[str, Function]:
    """Return what may be called on a time."""
    at = time.at
    numbers = {
        "Unix": time.seconds,
        "UnixMilli": time.seconds * 1000 + time.nanoseconds // 1_000_000,
        "UnixNano": time.seconds * 1_000_000_000 + time.nanoseconds,
        "Year": at.year,
        "YearDay": at.timetuple().tm_yday,
        "Day": at.day,
        "Hour": at.hour,
        "Minute": at.minute,
        "Second": at.second,
        "Nanosecond": time.nanoseconds,
        "Month": Named("time.Month", at.month, f"{at:%B}"),
        "Weekday": Named("time.Weekday", (at.weekday() + 1) % 7, f"{at:%A}"),
        "String": str(time),
        "UTC": time,
    }
    found = {name: Function(lambda value=value: value) for name, value in numbers.items()}
    return {**found, "Format": Function(lambda text: write_time(time, text), (Param.STRING,))}
