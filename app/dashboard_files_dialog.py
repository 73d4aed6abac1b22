"""Dashboards as files on the page: one or all of them out, and a file in after a look at it."""

import contextlib
from collections.abc import Callable
from typing import Final

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from alerts.rulecode.complaints import RuleCodeError
from app import (
    cached,
    cached_dashboards,
    dashboard_actions,
    dashboard_file,
    dashboard_grafana,
    dashboards,
    parts,
    wired,
)
from app.dashboard_file import Offered
from app.dashboard_panels import DashboardError
from models.database import read_only
from models.tables import Dashboard

_MOST_COMPLAINTS: Final = 10
_MOST_CHANGES: Final = 8


def draw(dashboard: Dashboard | None, *, close: Callable[[], None]) -> None:
    """Draw the inside of the dialog."""
    _out(dashboard)
    uploaded = st.file_uploader(
        "Take a file",
        type=["yaml", "yml"],
        key="dashboards_file",
        max_upload_size=1,
        help="YAML of `wakeful dashboards export`; all of it is taken or nothing",
    )
    if uploaded is None:
        return
    text = uploaded.getvalue().decode(errors="replace")
    found = _offered(text)
    if found is not None:
        for one in found:
            _preview(one)
        st.button(
            f"Take {len(found)}",
            type="primary",
            key="dashboards_take",
            on_click=_take,
            args=(text, close),
        )


def _out(dashboard: Dashboard | None) -> None:
    everything = cached_dashboards.every().data or ()
    with st.container(horizontal=True, gap="small"):
        if dashboard is not None:
            _download("This one", [dashboard], dashboard.slug)
            _grafana(dashboard)
        _download("All", everything, "dashboards")


def _download(label: str, rows: list[Dashboard] | tuple[Dashboard, ...], name: str) -> None:
    try:
        text = dashboard_file.dump(rows)
    except DashboardError as error:
        st.warning(parts.plain(str(error)))
        return
    st.download_button(
        f"{label} (YAML)",
        data=text,
        file_name=f"{name}.yaml",
        mime="application/yaml",
        icon=":material/download:",
        key=f"dashboards_yaml_{label.split()[0].lower()}",
        on_click="ignore",
    )


def _grafana(dashboard: Dashboard) -> None:
    prometheus = wired.current().prometheus
    ask = (lambda query: prometheus.asked(query)[1]) if prometheus is not None else None
    with contextlib.suppress(DashboardError):  # the YAML beside it says what is wrong
        data, notes = dashboard_grafana.export(dashboards.draft_of(dashboard), dashboard.slug, ask)
        st.download_button(
            "For Grafana (JSON)",
            data=dashboard_grafana.write(data),
            file_name=f"{dashboard.slug}.json",
            mime="application/json",
            icon=":material/download:",
            key="dashboards_grafana",
            on_click="ignore",
            help="; ".join(map(parts.plain, notes[:_MOST_COMPLAINTS])) or None,
        )


def _offered(text: str) -> list[Offered] | None:
    """Return what a file would do, or say why nothing of it can be taken."""
    try:
        with Session(read_only(wired.current().db)) as session:
            return dashboard_file.offered(session, text)
    except RuleCodeError as error:
        said = [parts.plain(str(one)) for one in error.complaints[:_MOST_COMPLAINTS]]
        more = len(error.complaints) - len(said)
        said += [f"and {more} more"] if more else []
        st.error("Nothing can be taken of it:  \n" + "  \n".join(said), icon=":material/block:")
    except SQLAlchemyError:
        st.error(cached.DATABASE_DOWN, icon=":material/cloud_off:")
    return None


def _preview(one: Offered) -> None:
    line = f" (line {one.line})" if one.line else ""
    st.markdown(f"**{parts.plain(one.draft.title)}**{line}: {one.what}")
    said = [parts.plain(str(each)) for each in one.differences[:_MOST_CHANGES]]
    if one.note:
        said.append(parts.plain(one.note))
    if said:
        parts.fine_print("\n".join(said))


def _take(text: str, close: Callable[[], None]) -> None:
    dashboard_actions.press(
        lambda session, by, now: dashboard_file.take(session, text, by=by, now=now),
        "The file is taken",
    )
    close()
