"""A user's own PromQL for a signal, which comes before what any pack would ask.

The expression is written once, with placeholders for what each question changes:

    $scope    label matchers, each followed by a comma: `my_requests_total{$scope}`
    $window   how far back, such as `300s`: `rate(my_requests_total{$scope}[$window])`
    $seconds  the same as a bare number
    $by       the labels to split by: `sum by ($by) (…)`, `sum by (le, $by) (…)`
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from string import Template
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from signals import Expressions, Query, QueryError, Reading
from signals.catalog import CATALOG
from signals.promql import Asked, duration, label_name, quote, seconds_of

PLACEHOLDERS = ("scope", "window", "seconds", "by")
TITLE = "your own mapping"
MOST_LABELS = 20
CHECK_WINDOW = timedelta(minutes=5)


def _one_word(text: str) -> str:
    if text.split() != [text]:
        raise ValueError("a label's name is one word")
    return text


Name = Annotated[str, Field(max_length=120), AfterValidator(_one_word)]


class MappingDraft(BaseModel):
    """A mapping as someone wrote it; pydantic's ValidationError says what is wrong with it.

    Attributes:
        signal: A name of the catalog.
        promql: The expression, with the placeholders of this module's docstring.
        labels: Our labels that it can be scoped and split by, with the server's name for each.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    signal: str
    promql: str = Field(min_length=1, max_length=10_000)
    labels: dict[Name, Name] = Field(default={}, max_length=MOST_LABELS)

    @field_validator("signal")
    @classmethod
    def _known(cls, signal: str) -> str:
        if signal not in CATALOG:
            raise ValueError(f"there is no signal {signal}; there are {', '.join(CATALOG)}")
        return signal

    @field_validator("labels")
    @classmethod
    def _each_once(cls, labels: dict[str, str]) -> dict[str, str]:
        if len(set(labels.values())) < len(labels):
            raise ValueError("two of our labels cannot be the same one of the server's")
        return labels

    @model_validator(mode="after")
    def _has_its_placeholders(self) -> "MappingDraft":
        template = Template(self.promql)
        if not template.is_valid():
            raise ValueError("a $ begins a placeholder; write $$ for the character itself")
        named = set(template.get_identifiers())
        if unknown := sorted(named - set(PLACEHOLDERS)):
            known = ", ".join(f"${name}" for name in PLACEHOLDERS)
            raise ValueError(f"${unknown[0]} is no placeholder; there are {known}")
        if self.labels and not {"scope", "by"} <= named:
            lacking = " and ".join(f"${name}" for name in ("scope", "by") if name not in named)
            raise ValueError(f"to be narrowed and split by labels it must contain {lacking}")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMapping:
    """A mapping in use; see `signals.discovery.Answerer`."""

    signal: str
    promql: str
    labels: Mapping[str, str] = field(default_factory=dict)
    updated_by: str = ""
    updated_at: datetime | None = None

    @property
    def title(self) -> str:
        """Return whose numbers these are."""
        return TITLE

    @property
    def created(self) -> tuple[str, ...]:
        """Return nothing: what an expression of someone's own counts is not looked into."""
        return ()

    def lacking(self, labels: Sequence[str]) -> list[str]:
        """Return those of `labels` that it can be neither scoped nor split by."""
        return [name for name in labels if name not in self.labels]

    def ask(self, query: Query, *, grown: bool = False) -> Asked:  # noqa: ARG002 - the protocol's
        """Return what to ask in the place of `query`.

        Raises:
            QueryError: It does not have the labels, or the window is too short.
        """
        wanted = [*(name for name, _ in query.scope), *query.by]
        if lacking := self.lacking(wanted):
            raise QueryError(
                f"your own mapping has {self.signal} without the label {', '.join(lacking)}"
            )
        try:
            template = Template(self.promql)
            promql = template.substitute(self._placeholders(query))
        except (KeyError, ValueError) as error:
            raise QueryError(
                f"your own mapping of {self.signal} has a placeholder that this version does not "
                "know: write it anew on the page Sources"
            ) from error
        renamed = {self.labels[name]: name for name in query.by if self.labels[name] != name}
        return Asked(promql=promql, renamed=renamed)

    def _placeholders(self, query: Query) -> dict[str, object]:
        seconds = seconds_of(query)
        return {
            "scope": "".join(
                f"{label_name(self.labels[name])}={quote(value)}," for name, value in query.scope
            ),
            "window": duration(seconds),
            "seconds": seconds,
            "by": ", ".join(label_name(self.labels[name]) for name in query.by),
        }


def own(draft: MappingDraft) -> OwnMapping:
    """Return `draft` ready to ask."""
    return OwnMapping(signal=draft.signal, promql=draft.promql, labels=dict(draft.labels))


def check(draft: MappingDraft, server: Expressions, *, at: datetime) -> Reading:
    """Return what `draft` yields at `at`, over five minutes and unsplit.

    It is asked once more, split and narrowed by every label it claims: a comma too many shows
    there first.

    Raises:
        QueryError: The server refuses it, in the server's words, or it yields several series.
        UnreachableError: The server did not answer.
    """
    mapping = own(draft)
    plain = Query(signal=draft.signal, window=CHECK_WINDOW)
    reading = _finite(server.evaluate(mapping.ask(plain).promql, at=at))
    count = len(reading.samples) + len(reading.no_traffic)
    if count > 1:
        raise QueryError(
            f"it yields {count} series where one value is wanted: aggregate them with "
            "sum by ($by) (…) or the like"
        )
    if draft.labels:
        names = tuple(draft.labels)
        scope = tuple((name, "a value") for name in names)
        split = Query(signal=draft.signal, window=CHECK_WINDOW, scope=scope, by=names)
        server.evaluate(mapping.ask(split).promql, at=at)
    return reading


def _finite(reading: Reading) -> Reading:
    """Return `reading` as a signal is read: an infinity is a division by no requests."""
    finite = tuple(s for s in reading.samples if math.isfinite(s.value))
    idle = tuple(s.labels for s in reading.samples if not math.isfinite(s.value))
    return Reading(samples=finite, no_traffic=(*reading.no_traffic, *idle))
