"""The form of one panel: what it is about, how it is drawn, and the lines across it."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from app import measure_fields, measure_form
from app.dashboard_panels import SPLITS
from app.drafts import Draft
from models.vocabulary import PanelKind, Unit, Width
from signals.catalog import CATALOG

BLANK: Final[dict[str, Any]] = {"signals": []}
SIGNALS: Final = "signals"
PROMQL: Final = "promql"
MEASURE: Final = "measure"
_ABOUT: Final = {SIGNALS: "Golden signals", PROMQL: "PromQL", MEASURE: "Spans"}
KINDS: Final = {
    PanelKind.LINE: "Lines",
    PanelKind.AREA: "Areas",
    PanelKind.STEPS: "Steps",
    PanelKind.STAT: "Number",
}
WIDTHS: Final = {Width.THIRD: "A third", Width.HALF: "Half", Width.FULL: "Full"}
_UNITS: Final = {
    Unit.COUNT: "A count",
    Unit.SECONDS: "Seconds",
    Unit.RATIO: "A ratio from 0 to 1",
    Unit.USD: "US dollars",
    Unit.PER_SECOND: "Per second",
    Unit.POINTS: "Points",
}
_PREFIX: Final = "p_"


def fill(draft: Draft, row: Mapping[str, Any]) -> None:
    """Set every field to what `row` says."""
    measure = row.get("measure") or {}
    values: dict[str, Any] = {
        "about": PROMQL if row.get("promql") else MEASURE if measure else SIGNALS,
        "name": row.get("title", ""),
        "signals": [name for name in row.get("signals", ()) if name in CATALOG],
        "promql": row.get("promql", ""),
        "by": [label for label in row.get("by", ()) if label in SPLITS],
        "kind": PanelKind(row.get("kind", PanelKind.LINE)),
        "width": Width(row.get("width", Width.HALF)),
        "unit": Unit(row.get("unit") or Unit.COUNT),
        "target": row.get("target"),
        "threshold": row.get("threshold"),
        "slo": bool(row.get("slo")),
    }
    for field, value in values.items():
        draft.put(f"p_{field}", value)
    for field, value in measure_form.fields(measure, _PREFIX).items():
        draft.put(field, value)


def row(draft: Draft) -> dict[str, Any]:
    """Return the panel as it was typed, right or wrong, as the table would keep it."""
    typed = {field: draft.get(f"p_{field}") for field in ("name", "kind", "width", "slo")}
    found = {
        "title": typed["name"] or "",
        "kind": typed["kind"],
        "width": typed["width"],
        "slo": bool(typed["slo"]),
        "target": draft.get("p_target"),
        "threshold": draft.get("p_threshold"),
    }
    about = draft.get("p_about")
    if about == PROMQL:
        return {**found, "promql": draft.get("p_promql") or "", "unit": draft.get("p_unit")}
    found["by"] = draft.get("p_by") or []
    if about == MEASURE:
        return {**found, "measure": measure_form.read(draft.fields, _PREFIX)}
    return {**found, "signals": draft.get("p_signals") or []}


def draw(draft: Draft) -> None:
    """Draw the form."""
    st.segmented_control(
        "Of",
        list(_ABOUT),
        format_func=_ABOUT.__getitem__,
        required=True,
        key=draft.key("p_about"),
    )
    match draft.get("p_about"):
        case str(about) if about == PROMQL:
            _promql(draft)
        case str(about) if about == MEASURE:
            _spans(draft)
        case _:
            _signals(draft)
    st.text_input("Title", key=draft.key("p_name"), max_chars=120, placeholder="By itself")
    with st.container(horizontal=True, gap="small"):
        st.selectbox(
            "Drawn as", list(KINDS), format_func=KINDS.__getitem__, key=draft.key("p_kind")
        )
        st.selectbox(
            "Width", list(WIDTHS), format_func=WIDTHS.__getitem__, key=draft.key("p_width")
        )
    with st.container(horizontal=True, gap="small"):
        for field, label in (("target", "Target"), ("threshold", "Alert threshold")):
            st.number_input(
                label,
                value=None,
                format="%g",
                key=draft.key(f"p_{field}"),
                placeholder="The signal's own" if draft.get("p_about") == SIGNALS else "None",
                help="Drawn across the panel, in its unit; a ratio from 0 to 1",
            )
    st.checkbox(
        "The target is an SLO",
        key=draft.key("p_slo"),
        help="An objective that is kept to; at most four on one dashboard",
    )


def _signals(draft: Draft) -> None:
    st.multiselect(
        "Signals",
        list(CATALOG),
        format_func=lambda name: CATALOG[name].title,
        key=draft.key("p_signals"),
        max_selections=6,
        help="Of one unit, such as p50, p95 and p99",
    )
    _split(draft)


def _promql(draft: Draft) -> None:
    st.text_area(
        "PromQL",
        key=draft.key("p_promql"),
        max_chars=10_000,
        placeholder='sum(rate(requests_total{feature=~"$feature"}[$window]))',
        help="`$feature`, `$tenant`, `$model`, `$prompt_version` and `$environment` are what the "
        "page is narrowed to; `$window` is what one point covers",
    )
    st.selectbox("Unit", list(_UNITS), format_func=_UNITS.__getitem__, key=draft.key("p_unit"))


def _spans(draft: Draft) -> None:
    measure_fields.draw(draft, _PREFIX)
    _split(draft)


def _split(draft: Draft) -> None:
    st.multiselect("Split by", SPLITS, key=draft.key("p_by"), max_selections=2)
