"""The functions that Go's text/template brings along.

Source: https://pkg.go.dev/text/template#hdr-Functions
"""

from collections.abc import Callable, Mapping
from urllib.parse import quote_plus

from alerts.rulecode.gotemplate.formats import sprintf
from alerts.rulecode.gotemplate.literals import decode, encode
from alerts.rulecode.gotemplate.printing import PLAIN, bounded, sprint, sprintln, write
from alerts.rulecode.gotemplate.values import (
    Anything,
    Byte,
    CallError,
    Function,
    Html,
    Kind,
    Named,
    Param,
    Root,
    Sample,
    Samples,
    Texts,
    Value,
    is_true,
    kind_of,
    type_of,
)

_HTML = str.maketrans(
    {'"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd"}
)
_JS = {"\\": r"\\", "'": r"\'", '"': r"\"", "<": r"\u003C", ">": r"\u003E"} | {
    "&": r"\u0026",
    "=": r"\u003D",
}
_ORDERED = (Kind.INT, Kind.UINT, Kind.FLOAT, Kind.STRING)


def html(*args: Value) -> str:
    """Return the arguments, printed, with HTML's characters escaped."""
    return bounded(_printed(args).translate(_HTML))


def js(*args: Value) -> str:
    """Return the arguments, printed, with JavaScript's characters escaped."""
    return bounded("".join(map(_js_char, _printed(args))))


def _js_char(char: str) -> str:
    if char in _JS:
        return _JS[char]
    if char < " ":
        return f"\\u{ord(char):04X}"
    shown = char < "\x80" or char.isprintable() or "\udc80" <= char <= "\udcff"
    return char if shown else f"\\u{ord(char):04X}"


def urlquery(*args: Value) -> str:
    """Return the arguments, printed, fit for a URL's query."""
    return bounded(quote_plus(encode(_printed(args)), safe="~"))


def _printed(args: tuple[Value, ...]) -> str:
    if len(args) == 1 and isinstance(args[0], str):
        return str(args[0])
    return sprint(["<no value>" if a is None else a for a in args], through_pointers=True)


def index(item: Value, *keys: Value) -> Value:
    """Return `item[key][key]…`."""
    if item is None:
        raise CallError("index of untyped nil")
    for key in keys:
        if item is None:
            raise CallError("index of nil pointer")
        if isinstance(item, Texts | Anything):
            item = _by_key(item, key)
        elif isinstance(item, Samples):
            at = _position(key, len(item))
            item = _element(item, at)
        elif isinstance(item, str):
            data = encode(item)
            at = _position(key, len(data))
            item = Byte(_element(data, at))
        else:
            shown = "template.sample" if isinstance(item, Sample) else type_of(item)
            raise CallError(f"can't index item of type {shown}")
    return item


def _element(items: bytes | Samples, at: int) -> Value:
    if at == len(items):
        what = "string" if isinstance(items, bytes) else "slice"
        raise CallError(f"reflect: {what} index out of range")
    return items[at]


def _by_key(item: Texts | Anything, key: Value) -> Value:
    if key is None:
        raise CallError("value is nil; should be of type string")
    if type(key) is not str:
        raise CallError(f"value has type {type_of(key)}; should be string")
    return item.get(key, "" if isinstance(item, Texts) else None)


def _position(key: Value, length: int) -> int:
    if key is None:
        raise CallError("cannot index slice/array with nil")
    if kind_of(key) not in (Kind.INT, Kind.UINT):
        raise CallError(f"cannot index slice/array with type {type_of(key)}")
    at = key.number if isinstance(key, Named) else int(key)
    if not 0 <= at <= length:
        raise CallError(f"index out of range: {at}")
    return at


def cut(item: Value, *bounds: Value) -> Value:
    """Return `item[a:b]`, which Go calls slice."""
    if item is None:
        raise CallError("slice of untyped nil")
    if len(bounds) > 3:
        raise CallError(f"too many slice indexes: {len(bounds)}")
    if not isinstance(item, str | Samples):
        raise CallError(f"can't slice item of type {type_of(item)}")
    if isinstance(item, str) and len(bounds) == 3:
        raise CallError("cannot 3-index slice a string")
    whole = encode(item) if isinstance(item, str) else item
    ends = [_position(bound, len(whole)) for bound in bounds]
    for low, high in zip(ends, ends[1:] or [len(whole)], strict=False):
        if low > high:
            raise CallError(f"invalid slice index: {low} > {high}")
    part = whole[slice(*ends[:2])] if len(ends) > 1 else whole[ends[0] if ends else 0 :]
    if isinstance(part, bytes):
        return Html(decode(part)) if isinstance(item, Html) else decode(part)
    return Samples(part)


def length(item: Value) -> int:
    """Return how many bytes, keys or elements `item` has."""
    if isinstance(item, str):
        return len(encode(item))
    if isinstance(item, Texts | Anything | Samples):
        return len(item)
    if item is None:
        raise CallError("reflect: call of reflect.Value.Type on zero Value")
    shown = type_of(item).removeprefix("*") if kind_of(item) is Kind.POINTER else type_of(item)
    raise CallError(f"len of type {shown}")


def call(item: Value, *args: Value) -> Value:
    """Refuse: no value of a template is a function."""
    del args
    if item is None:
        raise CallError("call of nil")
    raise CallError(f"non-function of type {type_of(item)}")


def eq(first: Value, *others: Value) -> bool:
    """Say whether `first` equals one of `others`."""
    if not others:
        raise CallError("missing argument for comparison")
    return any(_same(first, other) for other in others)


def _same(a: Value, b: Value) -> bool:
    mine, other = _basic(a), _basic(b)
    if {mine, other} == {Kind.INT, Kind.UINT}:
        return bool(_plain(a) == _plain(b))
    if mine is not other:
        if a is not None and b is not None:
            raise CallError("incompatible types for comparison")
        return False
    if mine is not Kind.NOTHING:
        return bool(_plain(a) == _plain(b))
    return _same_others(a, b)


def _same_others(a: Value, b: Value) -> bool:
    if a is None or b is None:
        return a is None and b is None
    if kind_of(a) is not kind_of(b):
        shown = f"{write(a, 's', PLAIN)}: {type_of(a)}, {type_of(b)}: {write(b, 'v', PLAIN)}"
        raise CallError(f"non-comparable types {shown}")
    if isinstance(b, Root | Texts | Anything | Samples):
        raise CallError(f"non-comparable type {write(b, 's', PLAIN)}: {type_of(b)}")
    return a is b


def _basic(value: Value) -> Kind:
    """Return the kind if values of it can be compared, else NOTHING."""
    kind = kind_of(value)
    return kind if kind in (*_ORDERED, Kind.BOOL, Kind.COMPLEX) else Kind.NOTHING


def _plain(value: Value) -> Value:
    return value.number if isinstance(value, Named) else value


def less(a: Value, b: Value) -> bool:
    """Say whether a < b."""
    mine, other = _basic(a), _basic(b)
    if Kind.NOTHING in (mine, other):
        raise CallError("invalid type for comparison")
    if mine is not other and {mine, other} != {Kind.INT, Kind.UINT}:
        raise CallError("incompatible types for comparison")
    if mine not in _ORDERED:
        raise CallError("invalid type for comparison")
    if mine is Kind.STRING:
        return bool(encode(a) < encode(b))
    return bool(_plain(a) < _plain(b))


def less_or_equal(a: Value, b: Value) -> bool:
    """Say whether a <= b."""
    return less(a, b) or _same(a, b)


def _not(function: Callable[..., bool]) -> Callable[..., bool]:
    return lambda *args: not function(*args)


def _value(function: Callable[..., Value], *, more: bool = False, two: bool = False) -> Function:
    params = (Param.VALUE,) * (2 if two or more else 1)
    return Function(function, params, variadic=more)


def _printer(function: Callable[..., str]) -> Function:
    return Function(function, (Param.ANY,), variadic=True)


BUILTINS: Mapping[str, Function] = {
    "and": Function(call, (Param.VALUE, Param.VALUE), variadic=True, short_circuits_on=False),
    "or": Function(call, (Param.VALUE, Param.VALUE), variadic=True, short_circuits_on=True),
    "not": _value(lambda item: not is_true(item)),
    "call": _value(call, more=True),
    "index": _value(index, more=True),
    "slice": _value(cut, more=True),
    "len": _value(length),
    "eq": _value(eq, more=True),
    "ne": _value(_not(eq), two=True),
    "lt": _value(less, two=True),
    "le": _value(less_or_equal, two=True),
    "gt": _value(_not(less_or_equal), two=True),
    "ge": _value(_not(less), two=True),
    "html": _printer(html),
    "js": _printer(js),
    "urlquery": _printer(urlquery),
    "print": _printer(lambda *args: sprint(args)),
    "println": _printer(lambda *args: sprintln(args)),
    "printf": Function(
        lambda text, *args: sprintf(text, args), (Param.STRING, Param.ANY), variadic=True
    ),
}
