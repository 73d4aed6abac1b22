"""The values that a template meets, each standing for one of Go's types.

str -> string, bool -> bool, int -> int, float -> float64, complex -> complex128, None -> nil or no
value at all; the classes below stand for the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

Value = Any  # one of the types above or below; a template's types are known when it runs


NIL_INTERFACE: Value = object()  # what a map of anything has for a key that is not there


class Html(str):
    """html/template's HTML: a string that is not a string to a function that wants one."""

    __slots__ = ()


class Byte(int):
    """uint8: what indexing a string gives."""


class Texts(dict[str, str]):
    """map[string]string: labels."""


class Anything(dict[str, Value]):
    """map[string]interface {}: what `args` makes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of a query's result, behind a pointer."""

    labels: Texts
    value: float

    @property
    def fields(self) -> Mapping[str, Value]:
        """Return the struct's fields, in order."""
        return {"Labels": self.labels, "Value": self.value}


class Samples(tuple[Sample, ...]):
    """What a query returns."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Root:
    """What a rule's template starts from, as `.Labels` and so on."""

    labels: Texts
    external_labels: Texts
    external_url: str
    value: float

    @property
    def fields(self) -> Mapping[str, Value]:
        """Return the struct's fields, in order."""
        return {
            "Labels": self.labels,
            "ExternalLabels": self.external_labels,
            "ExternalURL": self.external_url,
            "Value": self.value,
        }


@dataclass(frozen=True, slots=True)
class Time:
    """*time.Time in UTC; `nanoseconds` is the part of a second."""

    seconds: int
    nanoseconds: int

    @property
    def at(self) -> datetime:
        """Return the instant, to the second."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def __str__(self) -> str:
        fraction = f".{self.nanoseconds:09}".rstrip("0") if self.nanoseconds else ""
        return f"{self.at:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


@dataclass(frozen=True, slots=True)
class Named:
    """time.Month or time.Weekday: a number with a name."""

    type: str
    number: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Span:
    """*time.Duration."""

    nanoseconds: int

    def __str__(self) -> str:
        """Return it as Go does: `1h0m3.5s`, `12ms`, `0s`."""
        sign, left = ("-" if self.nanoseconds < 0 else ""), abs(self.nanoseconds)
        if left < 1_000_000_000:
            for size, unit in ((1_000_000, "ms"), (1000, "µs"), (1, "ns")):
                if left >= size:
                    return f"{sign}{_decimal(left, size)}{unit}"
            return "0s"
        minutes, left = divmod(left, 60 * 1_000_000_000)
        hours, minutes = divmod(minutes, 60)
        shown = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
        return f"{sign}{shown}{_decimal(left, 1_000_000_000)}s"


def _decimal(count: int, size: int) -> str:
    whole, rest = divmod(count, size)
    digits = f"{rest:0{len(str(size)) - 1}}".rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


class Kind(Enum):
    """Go's kinds, as far as functions tell them apart."""

    NOTHING = "invalid"
    BOOL = "bool"
    INT = "int"
    UINT = "uint"
    FLOAT = "float"
    COMPLEX = "complex"
    STRING = "string"
    MAP = "map"
    LIST = "slice"
    STRUCT = "struct"
    POINTER = "ptr"


_STRUCT = (
    "struct { Labels map[string]string; ExternalLabels map[string]string; "
    "ExternalURL string; Value float64 }"
)
# Subclasses stand before what they inherit from.
_TYPES: tuple[tuple[type, str, Kind], ...] = (
    (bool, "bool", Kind.BOOL),
    (Byte, "uint8", Kind.UINT),
    (int, "int", Kind.INT),
    (float, "float64", Kind.FLOAT),
    (complex, "complex128", Kind.COMPLEX),
    (Html, "template.HTML", Kind.STRING),
    (str, "string", Kind.STRING),
    (Texts, "map[string]string", Kind.MAP),
    (Anything, "map[string]interface {}", Kind.MAP),
    (Samples, "template.queryResult", Kind.LIST),
    (Sample, "*template.sample", Kind.POINTER),
    (Root, _STRUCT, Kind.STRUCT),
    (Time, "*time.Time", Kind.POINTER),
    (Span, "*time.Duration", Kind.POINTER),
    (type(None), "<nil>", Kind.NOTHING),
)


def kind_of(value: Value) -> Kind:
    """Return the kind of a value."""
    if isinstance(value, Named):
        return Kind.INT
    return next(kind for known, _, kind in _TYPES if isinstance(value, known))


def type_of(value: Value) -> str:
    """Return the name of a value's type, as `%T` writes it."""
    if isinstance(value, Named):
        return value.type
    return next(name for known, name, _ in _TYPES if isinstance(value, known))


def is_true(value: Value) -> bool:
    """Say whether `if` takes a value for true: it is not the zero of its type."""
    if kind_of(value) in (Kind.STRUCT, Kind.POINTER):
        return True
    if isinstance(value, Named):
        return value.number != 0
    return bool(value)


class Param(Enum):
    """What a function takes, by the name of Go's type."""

    STRING = "string"
    ANY = "interface {}"
    VALUE = "reflect.Value"  # as ANY, but a missing value stays missing
    SAMPLES = "template.queryResult"
    SAMPLE = "*template.sample"

    @property
    def takes_nil(self) -> bool:
        """Say whether nil may be given."""
        return self is not Param.STRING

    def fits(self, value: Value) -> bool:
        """Say whether a value may be given as it is."""
        match self:
            case Param.STRING:
                return type(value) is str
            case Param.SAMPLES:
                return isinstance(value, Samples)
            case Param.SAMPLE:
                return isinstance(value, Sample)
            case Param.ANY | Param.VALUE:
                return True


class CallError(Exception):
    """A function refuses what it was given; the text is Go's."""


@dataclass(frozen=True, slots=True)
class Function:
    """Something to call: what it takes, the last of it any number of times if `variadic`."""

    call: Callable[..., Value]
    params: Sequence[Param] = ()
    variadic: bool = False
    short_circuits_on: bool | None = None  # `or` stops at the first true, `and` at the first false
