"""Reports: last week's spend, to read, print and download, and each owner's digest; by Slack too.

`?report=Spend&week=Week of 2026-03-02` opens a week.
"""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

import streamlit as st

from alerts import spend_report
from alerts.spend_report import SpendReport
from app import cached_reports, numbers, parts, report_parts, report_words, wired
from app.local_time import zone_name
from app.parts import plain, small
from models.vocabulary import ReportKind
from signals.traces import spend_words

REFRESH: Final = timedelta(minutes=1)
_TITLES: Final = {
    "feature": "Feature",
    "tenant": "Tenant",
    "model": "Model",
    "prompt_version": "Prompt version",
    "outcome": "Outcome",
}
# Numbers stand on the right; on paper there is nothing to press, and no table is cut in two.
_STYLE: Final = """<style>
[class*="st-key-reports_"] :is(th, td):nth-child(n+2):nth-child(-n+5),
[class*="st-key-reports_"] :is(th, td):nth-child(n+2):nth-child(-n+5) * {
  text-align: right !important; }
@media print {
[data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stExpander"], .stButton,
.stDownloadButton, .stSelectbox, .st-key-report, .st-key-reports_sent { display: none !important; }
[data-testid="stTable"] { break-inside: avoid; }
}</style>"""


def render() -> None:
    """Draw the page."""
    parts.page_header("Reports", "What goes out once a week, to finance and to owners.")
    st.html(_STYLE)
    kinds = {word: kind for kind, word in report_words.KINDS.items()}
    chosen = parts.choice("Report", list(kinds), "report", default=next(iter(kinds)))
    kind = kinds[chosen]
    now = wired.current().clock()
    answer = cached_reports.standing(kind)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is not None:
        report_parts.standing(kind, answer.data, now=now)
    if kind is ReportKind.SPEND:
        _spend(now)
    else:
        channel = answer.data.report.channel if answer.data and answer.data.report else ""
        _digest(channel or report_parts.CHANNEL[kind], now)
    if answer.data is not None:
        with parts.card("reports_sent", "Sent"):
            report_parts.sent(answer.data.messages, key="reports_ledger")


def _spend(now: datetime) -> None:
    zone = parts.viewer_zone()
    weeks = {spend_report.week_name(day): day for day in report_words.mondays(now, zone)}
    week = st.selectbox(
        "Week", list(weeks), key="week", bind="query-params", width=260,
        help="From Monday to Sunday, by your clock.",
    )  # fmt: skip
    answer = cached_reports.spend(weeks[week or next(iter(weeks))], zone_name(zone))
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    report = answer.data
    if report.whole is None or not report.whole.requests:
        parts.empty(
            "No requests in this week",
            "Choose another one. Spend is read from spans, which come by OTLP.",
            icon="payments",
            key="reports_empty",
        )
        return
    st.header(f"LLM spend, {report.days}", anchor=False)
    _figures(report)
    for split, bill in report.bills.items():
        with parts.card(f"reports_{split}", f"By {_TITLES[split].lower()}"):
            st.table(report_words.spend_table(report, bill, _TITLES[split]), hide_index=True,
                     border="horizontal")  # fmt: skip
            if bill.values > report_words.PRINTED:
                rest = f"The {report_words.PRINTED} dearest of {bill.values:,}; the CSV has more."
                st.markdown(small(rest))
    with st.expander("What Slack is told", icon=":material/chat:"):
        told = spend_report.bulletin(report, base_url=wired.current().settings.base_url)
        st.markdown("\n".join([f"**{plain(told.title)}**\n", *(f"- {plain(one)}" for one in
                    told.lines)]))  # fmt: skip
    _footer(report, answer.at, now=now)


def _figures(report: SpendReport) -> None:
    whole = report.whole
    assert whole is not None  # noqa: S101 - the caller has looked
    moved = spend_words.change_words(whole) if report.comparable else ""
    with st.grid(4, min_column_width=150, key="reports_figures"):
        with parts.card("reports_spend"):
            st.metric("Spend", spend_words.known_usd(whole))
            st.markdown(small(spend_words.provenance(whole) or "no call has a known cost"))
        with parts.card("reports_change"):
            st.metric("Change", moved.partition(" (")[0] or numbers.NO_VALUE)
            share = moved.partition(" (")[2].rstrip(")")
            st.markdown(small(f"{share} against the week before" if moved else "not comparable"))
        with parts.card("reports_requests"):
            st.metric("Per request", spend_words.usd(whole.per_request))
            st.markdown(small(f"{whole.requests:,} requests"))
        with parts.card("reports_success"):
            st.metric("Per success", spend_words.usd(whole.per_success))
            told = f"{whole.successes:,} of {whole.concluded:,} that say how they turned out"
            st.markdown(small(told if whole.concluded else "none says how it turned out"))
    for said in spend_report.caveats(report):
        st.warning(plain(said), icon=":material/info:")


def _footer(report: SpendReport, at: datetime | None, *, now: datetime) -> None:
    st.download_button(
        "CSV",
        partial(report_words.as_csv, report),
        file_name=f"llm-spend-{_file_date(report.monday)}.csv",
        mime="text/csv",
        icon=":material/download:",
        key="reports_csv",
        on_click="ignore",
    )
    parts.fine_print(
        f"By the calendar of {report.zone} · added up {numbers.age(at, now=now)} from the spans of "
        "the embedded trace store · print it from the browser: what can be pressed is left out"
    )


def _file_date(monday: date) -> str:
    return f"{monday:%Y-%m-%d}"


def _digest(channel: str, now: datetime) -> None:
    answer = cached_reports.digest(channel)
    if answer.error:
        parts.source_down(answer.error, answer.at, now=now)
    if answer.data is None:
        return
    if not answer.data:
        parts.empty(
            "Nobody owns anything yet",
            "Whoever owns a dashboard, or a rule that fires, gets a digest.",
            icon="mark_email_unread",
            key="reports_nobody",
        )
    for number, one in enumerate(answer.data):
        with parts.card(f"reports_digest_{number}", one.bulletin.title, f"to {one.channel}"):
            st.markdown("\n".join(f"- {plain(line)}" for line in one.bulletin.lines))
