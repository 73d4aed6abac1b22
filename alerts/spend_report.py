"""The weekly spend report: what a calendar week cost, for whom, against the week before.

Read from a `SpendStore`, worded for Slack here; `app.views.reports` is the page for finance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from alerts.notifiers import Bulletin
from alerts.reports import Addressed, Schedule
from models.wallclock import instant, wall
from signals import QueryError
from signals.traces import spend_words
from signals.traces.spending import Bill, Spend, SpendQuery, SpendStore

SPLITS: Final = ("feature", "tenant", "model", "prompt_version", "outcome")
_IN_SLACK: Final = ("feature", "tenant", "model")
_MOST: Final = 5  # of one split, in Slack
NO_STORE: Final = (
    "spend is added up by the embedded trace store, which the engine does not have: set "
    "WAKEFUL_TRACE_STORE_URL to embedded, and run `wakeful up`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendReport:
    """What a week cost.

    Attributes:
        monday: Its first day.
        query: What was asked of it, without a split.
        whole: All of it; None when nothing happened, in it or in the week before.
        bills: By each of `SPLITS`.
        held_since: When the oldest span ended; None without any.
    """

    monday: date
    zone: str
    query: SpendQuery
    whole: Spend | None
    bills: Mapping[str, Bill]
    held_since: datetime | None

    @property
    def complete(self) -> bool:
        """Say whether traces go back to the beginning of the week."""
        return self.held_since is not None and self.held_since <= self.query.start

    @property
    def comparable(self) -> bool:
        """Say whether traces go back to the beginning of the week before."""
        return self.held_since is not None and self.held_since <= self.query.before[0]

    @property
    def days(self) -> str:
        """Return the days of the week: `Nov 16 to 22, 2026`."""
        last = self.monday + timedelta(days=6)
        until = f"{last:%-d}" if last.month == self.monday.month else f"{last:%b %-d}"
        return f"{self.monday:%b %-d} to {until}, {last:%Y}"


def week_name(monday: date) -> str:
    """Return the name by which the page knows a week, in its address too."""
    return f"Week of {monday}"


def week_before(at: datetime, zone: str) -> date:
    """Return the Monday of the last calendar week that was over at `at`."""
    today = wall(at, ZoneInfo(zone)).date()
    return today - timedelta(days=today.weekday() + 7)


def read(store: SpendStore, monday: date, zone: str) -> SpendReport:
    """Return what the week that began on `monday` cost.

    Raises:
        SignalError: The store could not answer.
    """
    clocks = ZoneInfo(zone)
    edges = [
        instant(datetime.combine(monday + timedelta(days=n), time()), clocks) for n in range(8)
    ]
    before = instant(datetime.combine(monday - timedelta(days=7), time()), clocks)
    query = SpendQuery(edges=tuple(edges[:-1]), end=edges[-1], before=(before, edges[0]))
    whole = store.spend(query).rows
    return SpendReport(
        monday=monday,
        zone=zone,
        query=query,
        whole=whole[0] if whole else None,
        bills={split: store.spend(replace(query, by=split)) for split in SPLITS},
        held_since=store.held_since(),
    )


def written(
    store: SpendStore | None, schedule: Schedule, at: datetime, *, base_url: str
) -> list[Addressed]:
    """Return the messages of the report that was due at `at`.

    Raises:
        SignalError: The store could not answer, or there is none.
    """
    if store is None:
        raise QueryError(NO_STORE)
    report = read(store, week_before(at, schedule.zone), schedule.zone)
    return [Addressed(channel=schedule.channel, bulletin=bulletin(report, base_url=base_url))]


def bulletin(report: SpendReport, *, base_url: str) -> Bulletin:
    """Return the report as Slack is told it."""
    address = urlencode({"report": "Spend", "week": week_name(report.monday)})
    return Bulletin(
        title=f"LLM spend, {report.days}: {_headline(report)}",
        lines=tuple(_lines(report)),
        url=f"{base_url}/reports?{address}",
    )


def caveats(report: SpendReport) -> list[str]:
    """Return what the sums leave out, a sentence each; nothing if they are whole."""
    found = []
    if not report.complete and report.held_since is not None:
        since = wall(report.held_since, ZoneInfo(report.zone))
        found.append(f"Traces go back only to {since:%a %b %-d, %H:%M}: the week cost more.")
    if report.complete and not report.comparable:
        found.append(
            "There is no comparison: traces do not go back through the week before. "
            "WAKEFUL_TRACE_RETENTION_DAYS of 15 would keep both."
        )
    if report.whole is not None and (interval := spend_words.interval(report.whole)):
        found.append(f"Requests were sampled, and the sum is an estimate: {interval}.")
    if report.whole is not None and (gap := spend_words.unpriced(report.whole)):
        found.append(f"The sum is a floor: {gap}.")
    return found


def _headline(report: SpendReport) -> str:
    if report.whole is None or not report.whole.requests:
        return "no requests"
    return spend_words.known_usd(report.whole)


def _lines(report: SpendReport) -> Sequence[str]:
    whole = report.whole
    if whole is None or not whole.requests:
        return ["No request ended in this week, as far as traces tell.", *caveats(report)]
    found = []
    if report.comparable and (moved := spend_words.change_words(whole)):
        found.append(f"Against the week before: {moved}")
    per = [f"{whole.requests:,} requests, {spend_words.usd(whole.per_request)} each"]
    if whole.concluded:
        per.append(
            f"{spend_words.usd(whole.per_success)} per success ({whole.successes:,} of "
            f"{whole.concluded:,} that say how they turned out)"
        )
    found.append("; ".join(per))
    if said := spend_words.provenance(whole):
        found.append(f"Cost is {said}")
    for split in _IN_SLACK:
        found.append(f"By {split}: {_dearest(report.bills[split])}")
        moved_most = spend_words.movers(report.bills[split].rows) if report.comparable else []
        if moved_most:
            found.append(f"Moved most by {split}: {', '.join(moved_most)}")
    return [*found, *caveats(report)]


def _dearest(bill: Bill) -> str:
    rows = [row for row in bill.rows if row.usd is not None]
    said = [f"{spend_words.name(row.value)} {spend_words.known_usd(row)}" for row in rows[:_MOST]]
    more = bill.values - len(said)
    return ", ".join([*said, f"and {more} more"] if said and more > 0 else said) or "not known"
