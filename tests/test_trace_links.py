"""Links from a trace to other tools, by the operator's own templates."""

from dataclasses import replace

import pytest

from alerts.settings import Settings
from alerts.settingvalues import SettingsError
from app.link_templates import links
from app.waterfall.layout import lay_out
from tests.made_traces import SEED_ID, seed_trace, span_id

DRAWN = lay_out(seed_trace())


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("https://apm.example.org/trace/{trace_id}", f"https://apm.example.org/trace/{SEED_ID}"),
        ("https://apm/{trace_id_decimal}", f"https://apm/{int(SEED_ID[-16:], 16)}"),
        (
            "https://ui.honeycomb.io/acme/environments/prod/trace?trace_id={trace_id}"
            "&span={span_id}&trace_start_ts={start_s}&trace_end_ts={end_s}",
            f"https://ui.honeycomb.io/acme/environments/prod/trace?trace_id={SEED_ID}"
            f"&span={span_id('HTTP request')}&trace_start_ts=1772366400&trace_end_ts=1772366403",
        ),
        (
            'https://grafana/explore?panes={"a":{"queries":[{"query":"{trace_id}"}]}}',
            f'https://grafana/explore?panes={{"a":{{"queries":[{{"query":"{SEED_ID}"}}]}}}}',
        ),
    ],
    ids=["plain", "decimal", "with a time", "with braces"],
)
def test_a_template_is_filled_in(template: str, address: str) -> None:
    assert links({"there": template}, DRAWN) == [("there", address)]


def test_a_template_with_a_time_is_left_out_for_a_trace_without() -> None:
    timeless = replace(DRAWN, started_at=None)
    assert links({"there": "https://apm/{trace_id}?at={start_ms}"}, timeless) == []


def test_several_are_named_with_commas() -> None:
    text = "Datadog=https://dd/{trace_id}?a=1,2, Sentry=https://sentry/{trace_id}"
    assert list(Settings(trace_links=text).link_pages) == ["Datadog", "Sentry"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Datadog=https://dd/{trace}", "needs an http or https address"),
        ("Datadog=javascript:alert({trace_id})", "needs an http or https address"),
        ("Datadog=https://dd/{trace_id}/{user_id}", "has {user_id} in it; there are {trace_id}"),
    ],
    ids=["no trace", "a script", "an unknown field"],
)
def test_a_template_that_leads_nowhere_stops_the_start(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why.replace("{", r"\{")):
        Settings(trace_links=text).check()
