"""What a silence or an inhibition would hide, and would have hidden."""

from datetime import UTC, datetime, time, timedelta

from alerts import hiding, matchers, muting
from alerts.hiding import Seen
from alerts.muting import Inhibit, Recurrence

NOW = datetime(2026, 3, 27, 12, tzinfo=UTC)  # a Friday
CHAT = (matchers.parse("feature=chat"),)


def seen(number: int, feature: str, *, hours_ago: float = 0, acted_on: bool = False) -> Seen:
    return Seen(
        alert_id=number,
        rule="Errors",
        severity="critical",
        labels=muting.identity({"feature": feature}, rule="Errors", severity="critical"),
        fired_at=NOW - timedelta(hours=hours_ago),
        acted_on=acted_on,
    )


def test_what_matches_is_hidden_and_the_rest_is_not() -> None:
    found = hiding.hidden(
        CHAT,
        None,
        opened=[seen(1, "chat"), seen(2, "search")],
        lately=[seen(1, "chat"), seen(3, "chat", hours_ago=30, acted_on=True), seen(4, "search")],
    )
    assert [one.alert_id for one in found.now] == [1]
    assert [one.alert_id for one in found.lately] == [1, 3]
    assert [one.alert_id for one in found.mattered] == [3]


def test_one_that_recurs_would_have_hidden_only_what_fired_within_its_hours() -> None:
    """Thursdays from 23:00 in Berlin, for 2 hours: 14 h before Friday noon UTC is 23:00 there."""
    nightly = Recurrence(
        zone="Europe/Berlin",
        weekdays=frozenset({3}),
        start=time(23),
        length=timedelta(hours=2),
    )
    ages = (12.5, 14, 14.1, 38)
    lately = [seen(n, "chat", hours_ago=age) for n, age in enumerate(ages)]
    found = hiding.hidden(CHAT, nightly, opened=[], lately=lately)
    assert [one.alert_id for one in found.lately] == [0, 1]


def test_an_inhibition_says_which_would_mute_which() -> None:
    rule = Inhibit(
        source=(matchers.parse("feature=gateway"),),
        target=(matchers.parse('feature=~"chat|search"'),),
        equal=("rule",),
    )
    opened = [seen(1, "chat"), seen(2, "gateway"), seen(3, "billing")]
    (one,) = hiding.inhibited(rule, opened, now=NOW)
    assert (one.target.alert_id, one.source.alert_id) == (1, 2)


def test_an_inhibition_without_its_cause_mutes_nothing() -> None:
    rule = Inhibit(source=(matchers.parse("feature=gateway"),), target=CHAT)
    assert hiding.inhibited(rule, [seen(1, "chat")], now=NOW) == ()


def test_a_silence_is_written_on_labels_and_the_rule() -> None:
    labels = hiding.seen_labels({"feature": "chat"}, rule="Errors", severity="critical")
    assert labels == {"feature": "chat", "rule": "Errors"}
