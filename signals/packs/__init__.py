"""Real metric names of real stacks, as data: one YAML file per stack, checked once when loaded.

A file names metrics, labels and units; `signals.rendering` knows how PromQL is written from them,
so that every stack gets the same care about young counters, missing series and units.

    form      what it yields                                                   fields
    quantile  a quantile of a histogram                                        q, metric, where
    rate      events (or a sum) per second, over all terms                     of
    total     events (or a sum) within the window, over all terms              of
    share     part / whole, 0 where there is whole and no part: an error rate  part, whole
    ratio     part / whole, nothing where there is no part: an unknown cost    part, whole
    mean      what is counted, divided by how often: a mean score              metric
    drop      by how much the mean is under that of the days before            metric, days
    gauge     the largest report of what several replicas see                  metric

A term is a metric, with `part: sum` for what a histogram adds up instead of how often, `where` to
narrow it (each matcher written `=x`, `!=x`, `=~x` or `!~x`), `says` for labels of ours that all of
it has, and `bare` where its series carry none of the labels that the others do.
"""

from functools import cached_property
from importlib import resources
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from models.vocabulary import SpanKind

Part = Literal["count", "sum"]
Matcher = Annotated[str, Field(pattern=r"^(=~|!~|!=|=)")]


class PackError(Exception):
    """A file of this folder makes no sense; the message names it."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str | dict) else value


def _as_pairs(value: Any) -> Any:
    return tuple(value.items()) if isinstance(value, dict) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
Counts = Annotated[
    tuple[Literal["request"]] | tuple[SpanKind, ...],
    BeforeValidator(_as_tuple),
    Field(min_length=1),
]
Labels = Annotated[tuple[tuple[str, str], ...], BeforeValidator(_as_pairs)]
Where = Annotated[tuple[tuple[str, Matcher], ...], BeforeValidator(_as_pairs)]


class Label(_Data):
    """How a stack spells one of our labels; OpenTelemetry's dots also stand for underscores.

    Attributes:
        first: Names in order of preference; the first that the metric has is the one.
        either: Names of which each series may have another, such as an old and a new one.
        values: Our values, each with the regular expression of the stack's that mean it; later
            ones win, and an empty expression is a series without the label.
        rest: Our value for all others.
    """

    first: Names = ()
    either: Names = ()
    values: dict[str, str] = {}
    rest: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name there may be."""
        return (*self.first, *self.either)

    @property
    def is_always_there(self) -> bool:
        """Say that a series without the label has a meaning too."""
        return "" in self.values.values()


def _as_label(value: Any) -> Any:
    return {"first": value} if isinstance(value, str | list) else value


class Metric(_Data):
    """One metric of a stack.

    Attributes:
        names: As Prometheus knows it, without `_total`, `_bucket` and the like.
        otel: As OpenTelemetry knows it; how that is spelled depends on who translates.
        unit: OpenTelemetry's unit: part of some spellings, and the scale of the values.
        needs: Labels without which the name belongs to somebody else.
        labels: Those it has, for a server that does not tell; any that the pack knows if empty.
        suffixed: Whether only names with the unit in them are meant.
    """

    kind: Literal["counter", "histogram", "summary", "gauge"]
    names: Names = ()
    otel: Names = ()
    unit: str = ""
    needs: Names = ()
    labels: Names = ()
    suffixed: bool = False


class Term(_Data):
    """What is counted; of several metrics, the first that the server has."""

    metric: Names
    part: Part = "count"
    where: Where = ()
    says: Labels = ()
    bare: bool = False


Terms = Annotated[tuple[Term, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class Quantile(_Data):
    """A quantile of a histogram."""

    form: Literal["quantile"]
    q: float = Field(gt=0, lt=1)
    metric: Names
    where: Where = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """Return what it is computed from."""
        return (Term(metric=self.metric, where=self.where),)


class Rate(_Data):
    """Events, or a sum, per second or within the window."""

    form: Literal["rate", "total"]
    of: Terms

    @property
    def terms(self) -> tuple[Term, ...]:
        """Return what it is computed from."""
        return self.of


class Ratio(_Data):
    """One rate divided by another; a share is 0, and not unknown, where its part is missing."""

    form: Literal["share", "ratio"]
    part: Terms
    whole: Terms

    @property
    def terms(self) -> tuple[Term, ...]:
        """Return what it is computed from."""
        return (*self.part, *self.whole)


class Mean(_Data):
    """A mean, or by how much it is under the one of the days before."""

    form: Literal["mean", "drop"]
    metric: Names
    days: int = Field(default=7, ge=1)

    @property
    def terms(self) -> tuple[Term, ...]:
        """Return what it is computed from."""
        return (Term(metric=self.metric),)


class Gauge(_Data):
    """What several replicas report of the same thing: the largest."""

    form: Literal["gauge"]
    metric: Names

    @property
    def terms(self) -> tuple[Term, ...]:
        """Return what it is computed from."""
        return (Term(metric=self.metric),)


Form = Annotated[Quantile | Rate | Ratio | Mean | Gauge, Field(discriminator="form")]


class Pack(_Data):
    """The metric names of one stack.

    Attributes:
        name: How other files and URLs call it.
        title: How pages call the stack.
        about: One sentence on what its numbers count.
        source: Where the names were read, with the version.
        preference: Of several packs that have a signal, the lowest answers.
        counts: What one of its `request_rate` is: a request of the application, or a call of these
            kinds, of which a request may make several.
        heartbeat: The metric that dates the data; it is there as soon as anything is.
        recognised_by: Metrics of which one must be there, or the names belong to somebody else.
        labels: Ours, as this stack spells them; any other label is spelled as it is.
        signals: How each is computed; one without is not answered.
        without: For a signal that is not answered, what would give it.
    """

    name: str
    title: str
    about: str
    source: tuple[str, ...] = Field(min_length=1)
    preference: int
    counts: Counts
    heartbeat: str
    recognised_by: Names = ()
    labels: dict[str, Annotated[Label, BeforeValidator(_as_label)]] = {}
    metrics: dict[str, Metric]
    signals: dict[str, Form]
    without: dict[str, str] = {}

    @property
    def unknown(self) -> list[str]:
        """Return the metrics that are named somewhere and are not here."""
        named = {name for form in self.signals.values() for t in form.terms for name in t.metric}
        return sorted((named | {self.heartbeat, *self.recognised_by}) - self.metrics.keys())

    @property
    def calls(self) -> tuple[SpanKind, ...]:
        """Return the kinds of calls that it counts; none where it counts requests."""
        return tuple(one for one in self.counts if isinstance(one, SpanKind))

    @cached_property
    def marks(self) -> tuple[str, ...]:
        """Return the metrics of which one shows that the stack is there."""
        return self.recognised_by or (self.heartbeat,)

    def __hash__(self) -> int:
        return hash(self.name)


def parse(name: str, text: str) -> Pack:
    """Return the pack written in `text`, the YAML file called `name`.

    Raises:
        PackError: It is no YAML, or no pack.
    """
    try:
        pack = Pack.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError) as error:
        raise PackError(f"{name}: {error}") from error
    if pack.unknown:
        raise PackError(f"{name}: no such metric here: {', '.join(pack.unknown)}")
    return pack


def load() -> tuple[Pack, ...]:
    """Return the packs of this folder, the preferred first.

    Raises:
        PackError: A file makes no sense.
    """
    files = (f for f in resources.files(__package__).iterdir() if f.name.endswith(".yaml"))
    packs = [parse(f.name, f.read_text(encoding="utf-8")) for f in files]
    return tuple(sorted(packs, key=lambda pack: pack.preference))


PACKS = load()
