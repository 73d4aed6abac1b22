"""Span attributes of every convention -> the fields of our `Span`.

`attribute_aliases.json` lists, for each field, the keys that may hold it, the first present one
winning: OpenTelemetry GenAI, OpenInference, OpenLLMetry, OpenLIT, Langfuse and the plain names
of the seeds. What no field takes stays in `attributes`, redacted, as text.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from signals import redact, token_counts
from signals.attribute_values import (
    CONVERT,
    MAX_ATTRIBUTES,
    VERDICTS,
    Value,
    as_label,
    as_object,
    as_user,
    text,
)

MAX_KEYS_LENGTH = 4_096  # of a remembered plan: a hostile sender must not fill the memory
MAX_PLANS = 1_024

_DULL = ("telemetry.", "process.", "os.")  # of a resource: the same for every span, read by nobody

_TABLE: dict[str, list[str]] = {
    name: keys
    for name, keys in json.loads(
        files("signals").joinpath("attribute_aliases.json").read_text(encoding="utf-8")
    ).items()
    if not name.startswith("_")
}
ALIASES: dict[str, tuple[str, int]] = {
    key: (name, rank) for name, keys in _TABLE.items() for rank, key in enumerate(keys)
}
_FROM_PARTS = {"input_parts": "input_text", "output_parts": "output_text"}
_PARTS = {
    key.removesuffix("*"): name for name in ("input_parts", "output_parts") for key in _TABLE[name]
}


@dataclass(slots=True)
class Found:
    """What a set of attributes says.

    Attributes:
        fields: Name of a field -> its value, converted and redacted.
        holders: Name of a field -> the rank among its aliases, key and value that it came from.
        rest: Everything else, as text.
    """

    fields: dict[str, Any]
    holders: dict[str, tuple[int, str, Value]]
    rest: dict[str, str]


def of_resource(attributes: Mapping[str, Value]) -> Found:
    """Return what a resource says about all its spans; `service` is among the fields."""
    told = {key: value for key, value in attributes.items() if not key.startswith(_DULL)}
    service = told.pop("service.name", "")
    found = of_span(told)
    found.fields["service"] = as_label(service) or "unknown"
    return found


def of_span(attributes: Mapping[str, Value], resource: Found | None = None) -> Found:
    """Return what a span's attributes say, completed by its resource's."""
    found = Found({}, {}, dict(resource.rest) if resource else {})
    keys = tuple(attributes)
    plan = _PLANS.get(keys) or _plan(keys)
    if plan is not None and len(found.rest) + len(plan) <= MAX_ATTRIBUTES:
        _follow(plan, attributes.values(), found)
    else:
        _weigh(attributes, found)
    if not _UNSETTLED.isdisjoint(found.fields):
        _settle(found)
    if resource is not None:
        found.fields = resource.fields | found.fields
    return found


def _follow(plan: "Sequence[_Treatment]", values: Iterable[Value], found: Found) -> None:
    """Fill `found` from attributes no two of which want the same field."""
    fields, rest = found.fields, found.rest
    for (name, _, key, masked, convert), value in zip(plan, values, strict=True):
        if not name:
            rest[key] = redact.REDACTED if masked else text(value)
        elif (converted := convert(value)) is not None:
            fields[name] = converted
        else:
            rest[key] = text(value)


def _weigh(attributes: Mapping[str, Value], found: Found) -> None:
    """Fill `found` from attributes that must be weighed against each other, or joined."""
    if "metadata" in attributes:
        attributes = _with_metadata(attributes)
    parts: dict[str, dict[str, Value]] = {}
    rest = found.rest
    for key, value in attributes.items():
        treatment = _treatment(key)
        name = treatment.field
        if not name:
            if len(rest) < MAX_ATTRIBUTES:
                rest[treatment.key] = redact.REDACTED if treatment.masked else text(value)
        elif name in _FROM_PARTS:
            parts.setdefault(name, {})[key] = value
        else:
            _take(found, treatment, value)
    for name, pieces in parts.items():
        whole = redact.clean(_joined(pieces), redact.TEXT_LIMIT)
        found.fields.setdefault(_FROM_PARTS[name], whole)


def texts(attributes: Mapping[str, Value]) -> dict[str, str]:
    """Return the attributes of an event or a log line, redacted as text, under their own keys."""
    shown: dict[str, str] = {}
    for key, value in attributes.items():
        if len(shown) == MAX_ATTRIBUTES:
            break
        treatment = _treatment(key)
        if treatment.masked:
            shown[treatment.key] = redact.REDACTED
        elif treatment.field == "user_id":
            shown[treatment.key] = as_user(value) or ""
        else:
            shown[treatment.key] = text(value)
    return shown


class _Treatment(NamedTuple):
    """What becomes of an attribute, by its key.

    Attributes:
        field: The field of Span that it may fill; empty when there is none.
        rank: How far down the field's aliases the key stands.
        key: What it is stored under when it fills no field.
        masked: Whether the key alone says that the value is a secret.
        convert: From the attribute's value to the field's.
    """

    field: str
    rank: int
    key: str
    masked: bool
    convert: Callable[[Value], Any]


_PLANS: dict[tuple[str, ...], tuple[_Treatment, ...]] = {}


def _plan(keys: tuple[str, ...]) -> tuple[_Treatment, ...] | None:
    """Return what becomes of attributes called `keys`; None if that depends on their values.

    Spans of one instrumentation have the same few sets of keys. Following a plan takes half the
    time of weighing each attribute.
    """
    treatments = tuple(map(_treatment, keys))
    names = [treatment.field for treatment in treatments if treatment.field]
    weighed = len(set(names)) < len(names) or not _FROM_PARTS.keys().isdisjoint(names)
    if weighed or "metadata" in keys:
        return None
    if sum(map(len, keys)) <= MAX_KEYS_LENGTH:
        if len(_PLANS) >= MAX_PLANS:
            _PLANS.clear()
        _PLANS[keys] = treatments
    return treatments


def _treatment(key: str) -> _Treatment:
    return _remembered_treatment(key) if len(key) <= redact.NAME_LIMIT else _new_treatment(key)


def _new_treatment(key: str) -> _Treatment:
    name, rank = ALIASES.get(key, ("", 0))
    if not name:
        for prefix, parts in _PARTS.items():
            if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isdigit():
                name = parts
    return _Treatment(
        field=name,
        rank=rank,
        key=redact.clean(key, redact.NAME_LIMIT),
        masked=redact.names_a_secret(key),
        convert=CONVERT.get(name, as_label),
    )


_remembered_treatment = lru_cache(maxsize=16_384)(_new_treatment)


def _take(found: Found, treatment: _Treatment, value: Value) -> None:
    """Give `value` to the field unless a better alias holds it; the loser is kept as text."""
    name, rank, key, _, convert = treatment
    converted = convert(value)
    holder = found.holders.get(name)
    if holder is None and converted is not None:
        found.fields[name] = converted
        found.holders[name] = (rank, key, value)
    elif converted is None or holder is None or holder[0] <= rank:
        if holder is None or holder[2] != value:
            found.rest[key] = text(value)
    else:
        if holder[2] != value:
            found.rest[holder[1]] = text(holder[2])
        found.fields[name] = converted
        found.holders[name] = (rank, key, value)


def _settle(found: Found) -> None:
    """Turn what stands between the conventions and our fields into our fields."""
    fields = found.fields
    token_counts.settle(fields, found.rest)
    _costs(fields)
    seconds = fields.pop("ttft_s", None)
    if seconds is not None:
        fields.setdefault("ttft_ms", seconds * 1_000)
    label = fields.pop("eval_label", None)
    if label is not None:
        found.rest["gen_ai.evaluation.score.label"] = label
        if label.lower() in VERDICTS:
            fields.setdefault("eval_score", VERDICTS[label.lower()])


def _costs(fields: dict[str, Any]) -> None:
    """Fill in the cost that Langfuse's details say; of a call that failed it says 0."""
    costs: dict[str, float] = fields.pop("cost_details", {})
    if costs:
        parts = (cost for key, cost in costs.items() if key != "total")
        cost = costs.get("total", sum(parts))
        if cost or "input_tokens" in fields:
            fields.setdefault("cost_usd", cost)


def _with_metadata(attributes: Mapping[str, Value]) -> dict[str, Value]:
    """Return `attributes` with OpenInference's JSON `metadata` spread as `metadata.<key>`."""
    spread = dict(attributes)
    metadata = as_object(attributes["metadata"])
    if metadata is not None:
        del spread["metadata"]
        for key, value in metadata.items():
            spread.setdefault(f"metadata.{key}", value)
    return spread


def _joined(pieces: Mapping[str, Value]) -> str:
    """Return numbered message parts as lines such as `0.message.role: user`, in order."""
    lines: list[tuple[int, str]] = []
    for key, value in pieces.items():
        prefix = next(prefix for prefix in _PARTS if key.startswith(prefix))
        index, _, part = key[len(prefix) :].partition(".")
        order = int(index) if index.isdecimal() and len(index) < 10 else 0
        lines.append((order, f"{part.removeprefix('message.')}: {value}"))
    return "\n".join(line for _, line in sorted(lines, key=lambda line: line[0]))


# Fields that are not final, or change others.
_UNSETTLED = frozenset(
    (
        "usage_details",
        "cost_details",
        "ttft_s",
        "eval_label",
        "cache_read_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
    )
)
