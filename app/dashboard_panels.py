"""What a dashboard holds: panels, each of golden signals, of PromQL or of a measure. Pure.

PromQL may name the labels that the page is narrowed by, as `feature=~"$feature"`: the value that
was chosen, or any. `$window` is what one point covers, as in `rate(x[$window])`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from models.vocabulary import PanelKind, Unit, Width
from signals.catalog import CATALOG, Signal
from signals.measures import Measure
from signals.traces import FILTERS

MOST_PANELS: Final = 12  # beyond, it is two dashboards with two owners
# "Too many and none get met."
# Source: the seeds, "Observability in Production", section 5.
MOST_SLOS: Final = 4
SPLITS: Final = FILTERS
VARIABLES: Final = ("feature", "tenant", "model", "prompt_version", "environment")
WINDOW: Final = "window"
_PLACEHOLDER: Final = re.compile(r"\$([a-zA-Z_]\w*)")  # `$1` is label_replace's
_NARROWED: Final = re.compile(r'=~\s*"\$(\w+)"')


class DashboardError(Exception):
    """A dashboard cannot be kept like this; the message says what to change."""


def _variable(name: str) -> str:
    if name not in VARIABLES:
        raise ValueError(f"nobody can choose by {name!r}: take {', '.join(VARIABLES)}")
    return name


class Panel(BaseModel):
    """One chart or number of a dashboard: of `signals`, of `promql` or of a `measure`."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    title: str = Field(default="", max_length=120)
    kind: PanelKind = PanelKind.LINE
    signals: tuple[str, ...] = Field(
        default=(), max_length=6, description="Golden signals, all of one unit"
    )
    promql: str = Field(
        default="", max_length=10_000, description='May say `feature=~"$feature"` and `[$window]`'
    )
    measure: Measure | None = Field(default=None, description="Asked of the trace store")
    by: tuple[str, ...] = Field(
        default=(), max_length=2, description="Labels that split signals or a measure into lines"
    )
    unit: Unit | None = Field(default=None, description="Of PromQL; the others have their own")
    width: Width = Width.HALF
    target: float | None = Field(default=None, description="Drawn; the first signal's own without")
    threshold: float | None = Field(
        default=None, description="Likewise, where an alert is worth it"
    )
    slo: bool = Field(default=False, description="The target is an objective of ours")

    @field_validator("signals")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := next((name for name in names if name not in CATALOG), None):
            raise ValueError(f"it names no signal {unknown!r} of the catalog")
        if len({CATALOG[name].unit for name in names}) > 1:
            raise ValueError("signals of one panel share one unit: draw the others beside it")
        return names

    @field_validator("by")
    @classmethod
    def _splits(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if stranger := next((label for label in labels if label not in SPLITS), None):
            raise ValueError(f"nothing can be split by {stranger!r}: take {', '.join(SPLITS)}")
        return labels

    @field_validator("promql")
    @classmethod
    def _placeholders(cls, text: str) -> str:
        for name in _PLACEHOLDER.findall(text):
            if name not in (*VARIABLES, WINDOW):
                known = ", ".join(f"${one}" for one in (*VARIABLES, WINDOW))
                raise ValueError(f"${name} stands for nothing; there are {known}")
        narrowed = _NARROWED.findall(text)
        for name in VARIABLES:
            if len(re.findall(rf"\${name}\b", text)) != narrowed.count(name):
                raise ValueError(f'${name} may be any value: write label=~"${name}"')
        return text

    @field_validator("target", "threshold")
    @classmethod
    def _is_finite(cls, value: float | None) -> float | None:
        if value is not None and not math.isfinite(value):
            raise ValueError("a line needs a finite number")
        return value

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> Self:
        given = [bool(self.signals), bool(self.promql), self.measure is not None]
        if not any(given):
            raise ValueError("it names no signal, no PromQL and no measure")
        if sum(given) > 1:
            raise ValueError("it is of signals, of PromQL or of a measure: not of two at once")
        if self.kind is PanelKind.STAT and self.by:
            raise ValueError("a number is not split: draw lines instead")
        if self.promql and self.by:
            raise ValueError("PromQL is split by itself: write sum by (…)")
        if self.slo and self.drawn_target is None:
            raise ValueError("an SLO needs a target")
        return self

    @property
    def about(self) -> tuple[Signal, ...]:
        """Return the catalog's entries of its signals."""
        return tuple(CATALOG[name] for name in self.signals)

    @property
    def shown_in(self) -> Unit:
        """Return the unit of all its values."""
        if self.signals:
            return CATALOG[self.signals[0]].unit
        return self.measure.unit if self.measure else self.unit or Unit.COUNT

    @property
    def bounded(self) -> Signal | None:
        """Return the first signal that has a target or a threshold of its own."""
        return next((s for s in self.about if s.breach or s.target is not None), None)

    @property
    def drawn_target(self) -> float | None:
        """Return the target that is drawn: its own, or that of `bounded`."""
        return self.target if self.target is not None else getattr(self.bounded, "target", None)

    @property
    def drawn_threshold(self) -> float | None:
        """Return the threshold that is drawn, likewise."""
        if self.threshold is not None:
            return self.threshold
        return self.bounded.breach.bound if self.bounded and self.bounded.breach else None

    def row(self) -> dict[str, Any]:
        """Return it as the table and the files keep it: nothing that goes without saying."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        return {"title": self.title, "kind": self.kind.value, **data}


class DashboardDraft(BaseModel):
    """A dashboard as someone wrote it, without its owner: that is a matter of acceptance."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1, max_length=80)
    purpose: str = Field(default="", max_length=400, description="What question it answers")
    variables: tuple[Annotated[str, AfterValidator(_variable)], ...] = Field(
        default=VARIABLES, description="What its readers may narrow it by"
    )
    panels: tuple[Panel, ...]

    @field_validator("title", "purpose", mode="before")
    @classmethod
    def _on_one_line(cls, text: Any) -> Any:
        return " ".join(text.replace("\0", " ").split()) if isinstance(text, str) else text

    @field_validator("panels")
    @classmethod
    def _are_readable(cls, panels: tuple[Panel, ...]) -> tuple[Panel, ...]:
        if not panels:
            raise ValueError("a dashboard needs at least one panel")
        if len(panels) > MOST_PANELS:
            raise ValueError(f"at most {MOST_PANELS} panels: make a second dashboard of the rest")
        if (slos := sum(one.slo for one in panels)) > MOST_SLOS:
            raise ValueError(
                f"{slos} SLOs on one dashboard. Pick 3–4 of these for your SLO. Too many and "  # noqa: RUF001  the seeds' words
                "none get met."
            )
        return tuple(titled(one) for one in panels)

    def written(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "title": self.title,
            "purpose": self.purpose,
            "variables": list(self.variables),
            "panels": [one.row() for one in self.panels],
        }


def panel(row: Mapping[str, Any]) -> Panel:
    """Return the panel that the table keeps as `row`.

    Raises:
        DashboardError: It makes no sense; the message says why.
    """
    try:
        return titled(Panel.model_validate(row))
    except ValidationError as error:
        name = str(row.get("title") or "")[:120]
        raise DashboardError(f"The panel {name!r} cannot be: {why(error)}.") from error


def draft(data: Mapping[str, Any]) -> DashboardDraft:
    """Return the dashboard that `data` writes.

    Raises:
        DashboardError: It makes no sense; the message says why.
    """
    try:
        return DashboardDraft.model_validate(data)
    except ValidationError as error:
        if not str(data.get("title") or "").strip():
            raise DashboardError("A dashboard needs a title.") from error
        raise DashboardError(f"{sentence(why(error))}.") from error


def titled(one: Panel) -> Panel:
    """Return a panel with a title: its own, or what it is about."""
    if one.title:
        return one
    if one.signals:
        title = CATALOG[one.signals[0]].title
    else:
        title = sentence(one.measure.words) if one.measure else one.promql
    split = "".join(f" by {label.replace('_', ' ')}" for label in one.by)
    return one.model_copy(update={"title": f"{' '.join(title.split())[:90]}{split}"})


def why(error: ValidationError, item: Any = None) -> str:
    """Return one of pydantic's complaints in one line, with its place; the first without `item`."""
    item = item or error.errors(include_url=False)[0]
    where = list(item["loc"])
    panel = ""
    if where[:1] == ["panels"] and len(where) > 1:
        panel, where = f"panel {int(where[1]) + 1}", where[2:]
    place = ", ".join(filter(None, [panel, ".".join(map(str, where))]))
    reason = item["msg"].removeprefix("Value error, ").rstrip(".")
    if item["type"] == "extra_forbidden":
        reason = "there is no such field"
    elif item["type"] == "enum":
        reason = f"{str(item['input'])[:40]!r} is none: take {item['ctx']['expected']}"
    # Our own sentences about a field say by themselves what they are about.
    told = place and (item["type"] != "value_error" or panel)
    return f"{place}: {reason}" if told else reason


def sentence(text: str) -> str:
    """Return `text` with a capital at its beginning."""
    return f"{text[:1].upper()}{text[1:]}"


def asked(promql: str, chosen: Sequence[tuple[str, str]], window_seconds: float) -> str:
    """Return PromQL with its placeholders filled in.

    Args:
        promql: Of a panel.
        chosen: What the page is narrowed to: label and value.
        window_seconds: What one point covers.
    """
    values = {**dict.fromkeys(VARIABLES, ".*"), WINDOW: f"{round(window_seconds)}s"}
    values |= {label: _literally(value) for label, value in chosen if label in VARIABLES}
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], promql)


def unnarrowed(one: Panel, chosen: Sequence[tuple[str, str]]) -> list[str]:
    """Return the labels that the page is narrowed by and this panel is not."""
    if not one.promql:
        return []
    named = set(_NARROWED.findall(one.promql))
    return [label for label, _ in chosen if label not in named]


def _literally(value: str) -> str:
    """Return `value` as a regular expression inside a PromQL string that matches just it."""
    escaped = re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", value)
    return escaped.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
