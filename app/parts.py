"""What pages share: header, cards, marks of state, empty and source-down states, a flash.

A mark is a word with an icon and a colour, never a colour alone. Text from outside goes through
`plain` before it meets Markdown.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import Page

from app import carrying, charts, numbers
from app.cached import Answer
from app.chart_template import PICK
from app.charts import Plot
from models.tables import SourceStatus
from models.vocabulary import AlertState, DataState, Outcome, Severity, SpanStatus

Colour = Literal["red", "orange", "yellow", "green", "blue", "violet", "gray"]  # of the theme
Look = tuple[Colour, str]  # and a Material icon

STATES: Final[dict[AlertState, Look]] = {
    AlertState.PENDING: ("orange", "hourglass_top"),
    AlertState.FIRING: ("red", "notifications_active"),
    AlertState.ACKNOWLEDGED: ("blue", "front_hand"),
    AlertState.RESOLVED: ("green", "check_circle"),
}
SEVERITIES: Final[dict[Severity, Look]] = {
    Severity.CRITICAL: ("red", "emergency_home"),
    Severity.ERROR: ("orange", "error"),
    Severity.WARNING: ("yellow", "warning"),
    Severity.INFO: ("gray", "info"),
}
DATA_STATES: Final[dict[DataState, Look]] = {
    DataState.OK: ("green", "check_circle"),
    DataState.NO_SERIES: ("gray", "data_alert"),
    DataState.NO_TRAFFIC: ("gray", "hourglass_empty"),
    DataState.QUERY_ERROR: ("red", "rule"),
    DataState.UNREACHABLE: ("red", "cloud_off"),
    DataState.STALE: ("red", "update_disabled"),
}
OUTCOMES: Final[dict[Outcome, Look]] = {
    Outcome.DELIVERED: ("green", "check_circle"),
    Outcome.EXPANDED: ("blue", "group"),
    Outcome.RETRYING: ("orange", "sync"),
    Outcome.REFUSED: ("red", "block"),
    Outcome.GAVE_UP: ("red", "cancel"),
    Outcome.SETTLED: ("gray", "do_not_disturb_on"),
}
SPAN_STATUSES: Final[dict[SpanStatus, Look]] = {
    SpanStatus.UNSET: ("gray", "check_circle"),
    SpanStatus.OK: ("green", "check_circle"),
    SpanStatus.ERROR: ("red", "error"),
}

MUTED: Final[Look] = ("violet", "notifications_off")

_FLASH = "flash"
_PAGES = "pages"
HOME = "overview"  # the address of the first page
_MARKDOWN = re.compile(r"([\\`*_\[\]{}<>#~|:$^!])")


def plain(text: str) -> str:
    """Return `text` so that Markdown shows it as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def mark(word: str, look: Look) -> str:
    """Return Markdown for a badge: icon, word and colour together."""
    colour, icon = look
    return f":{colour}-badge[:material/{icon}: {plain(word)}]"


def small(text: str) -> str:
    """Return Markdown for small print, which a caption is too faint for: 4.2:1 on white."""
    return "  \n".join(f":small[:gray[{line}]]" for line in text.split("\n"))


def fine_print(text: str) -> None:
    """Draw small print."""
    st.markdown(small(text))


def state_mark(state: AlertState) -> str:
    """Return Markdown for the state of an alert."""
    return mark(state, STATES[state])


def severity_mark(severity: Severity) -> str:
    """Return Markdown for a severity."""
    return mark(severity, SEVERITIES[severity])


def status_mark(status: SpanStatus) -> str:
    """Return Markdown for the status of a span, which is unset when all went well."""
    word = "no error" if status is SpanStatus.UNSET else status.value
    return mark(word, SPAN_STATUSES[status])


def state_badge(state: AlertState) -> DeltaGenerator:
    """Draw the state of an alert."""
    return st.markdown(state_mark(state), width="content")


def severity_badge(severity: Severity) -> DeltaGenerator:
    """Draw a severity."""
    return st.markdown(severity_mark(severity), width="content")


def page_header(title: str, caption: str = "") -> None:
    """Draw the title of a page, what it is for, and whatever the last action left to say."""
    st.title(title, anchor=False)
    if caption:
        st.markdown(small(caption))
    show_flash()


def card(key: str, title: str = "", caption: str = "") -> DeltaGenerator:
    """Draw a bordered card and return it; `key` is unique on the page and a CSS class.

    In a grid it is as high as its neighbours.
    """
    box = st.container(border=True, key=key, gap="xsmall", height="stretch")
    if title:
        box.markdown(f"**{plain(title)}**")
    if caption:
        box.markdown(small(caption))
    return box


def choice(label: str, options: list[str], key: str, *, default: str) -> str:
    """Draw a choice of one of `options`, always one, and return it; it stands in the URL."""
    chosen: str = st.segmented_control(
        label,
        options,
        default=default,
        required=True,
        key=key,
        label_visibility="collapsed",
        bind="query-params",
    )
    return chosen


def empty(title: str, text: str, *, icon: str = "inbox", key: str = "empty") -> DeltaGenerator:
    """Draw what a page shows when there is nothing yet, and return its card for a next step.

    Args:
        title: What is missing.
        text: What to do about it; Markdown.
        icon: A Material icon.
        key: Unique on the page.
    """
    box = st.container(border=True, key=key, horizontal_alignment="center", gap="small")
    box.markdown(
        f":gray[:material/{icon}:] **{plain(title)}**", text_alignment="center", width="stretch"
    )
    box.markdown(small(text), text_alignment="center", width="stretch")
    return box


def source_down(error: str, last_seen: datetime | None, *, now: datetime) -> None:
    """Say that a source did not answer, in its own sentence, and how old is what stays visible."""
    if last_seen is None:
        rest = "There is no earlier answer to show."
    else:
        rest = f"What you see is its last answer, from {numbers.age(last_seen, now=now)}."
    st.error(f"{plain(error.rstrip('.'))}. {rest}", icon=":material/cloud_off:")


def sources_down(answers: Sequence[Answer[Any]], *, now: datetime) -> None:
    """Say once for each error, however many answers share it, that a source could not answer."""
    failed = {answer.error: answer for answer in answers if answer.error and answer.source}
    for error, answer in failed.items():
        source_down(error, answer.at, now=now)


def freshness(statuses: Sequence[SourceStatus], *, now: datetime) -> None:
    """Draw one line that says how fresh each source is; what is stale or silent stands out."""
    if statuses:
        st.markdown(
            "  \n".join(f":small[{line}]" for line in _freshness_lines(statuses, now)),
            width="stretch",
        )


def _freshness_lines(statuses: Iterable[SourceStatus], now: datetime) -> Iterable[str]:
    for status in statuses:
        name = f"**{plain(status.name)}**"
        if status.state in (DataState.UNREACHABLE, DataState.QUERY_ERROR):
            answered = numbers.age(status.answered_at, now=now)
            word = mark(status.state, DATA_STATES[status.state])
            yield f"{name} {word} last answered {answered}: {plain(status.error)}"
        elif numbers.is_stale(status.checked_at, now=now):
            checked = numbers.age(status.checked_at, now=now)
            yield f"{name} {mark('not asked', ('orange', 'schedule'))} last asked {checked}"
        elif status.newest_at is None:
            yield f"{name} {mark('no data yet', ('gray', 'hourglass_empty'))}"
        else:
            newest = numbers.age(status.newest_at, now=now)
            stale = numbers.is_stale(status.newest_at, now=now)
            word = (
                mark("stale", ("orange", "schedule"))
                if stale
                else mark("fresh", ("green", "check"))
            )
            yield f"{name} {word} newest data {newest}"


def flash(text: str, icon: str = ":material/check:") -> None:
    """Keep one line for the next run of the page to show: a toast before a rerun is lost."""
    st.session_state[_FLASH] = (text, icon)


def show_flash() -> None:
    """Show what `flash` kept, once."""
    kept = st.session_state.pop(_FLASH, None)
    if kept is not None:
        text, icon = kept
        st.toast(text, icon=icon)


def draw(
    plot: Plot,
    *,
    key: str,
    alt: str,
    datasets: Mapping[str, bytes] | None = None,
    on_pick: Callable[[], None] | None = None,
) -> None:
    """Draw `plot`.

    Args:
        plot: What to draw.
        key: Unique on the page.
        alt: What a screen reader says of it.
        datasets: `charts.datasets(plot)` where that is at hand already.
        on_pick: Called when a point was clicked: see `app.exemplars.pick`.
    """
    sent = charts.datasets(plot) if datasets is None else datasets
    spec = {**charts.spec(plot), "datasets": dict(sent)}
    if on_pick is None:
        st.vega_lite_chart(spec=spec, key=key, alt=alt)
    else:
        st.vega_lite_chart(spec=spec, key=key, alt=alt, on_select=on_pick, selection_mode=[PICK])


def know_pages(pages: Iterable[Page]) -> None:
    """Remember the pages of the navigation, so that `link` finds them by their address.

    The first page has none in Streamlit, whatever it was given: here it is `HOME`.
    """
    st.session_state[_PAGES] = {page.url_path or HOME: page for page in pages}


def link(url_path: str, label: str, *, icon: str = "", **query: str) -> None:
    """Draw a link to another page, such as `link("alerts", "Open", alert="7")`."""
    page = st.session_state.get(_PAGES, {}).get(url_path)
    if page is None:
        st.markdown(f"[{plain(label)}](/{url_path}?{urlencode(query)})")
    else:
        picture = f":material/{icon}:" if icon else None
        st.page_link(page, label=plain(label), icon=picture, query_params=carrying.packed(query))


def go(url_path: str, **query: str) -> None:
    """Open another page instead of this one, as `link` would.

    What this page has in its own address cannot be passed on: see `app.carrying`.
    """
    page = st.session_state.get(_PAGES, {}).get(url_path)
    if page is None:
        link(url_path, url_path.capitalize(), **query)
    else:
        st.switch_page(page, query_params=query)


def viewer_zone() -> tzinfo:
    """Return the viewer's time zone, or UTC while the browser has not told it."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
