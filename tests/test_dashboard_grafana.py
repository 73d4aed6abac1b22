"""A dashboard as Grafana's JSON: its structure, queries, variables, and what stays behind."""

from typing import Any

import pytest

from app import dashboard_grafana, dashboards
from app.dashboard_panels import DashboardDraft
from signals import Query
from signals.packs import PACKS
from signals.promql import Asked
from signals.recipes import recipe

SEEDS = next(pack for pack in PACKS if "error_ratio" in pack.signals)


def ask(query: Query) -> Asked:
    """Return the PromQL of a pack, as a server that has all its metrics is asked."""
    found = recipe(SEEDS, query.signal, None)
    assert found is not None
    return found.ask(query, grown=True)


def exported(*panels: dict[str, Any], **more: Any) -> dict[str, Any]:
    draft = dashboards.draft({"title": "Bot", "purpose": "Well?", "panels": panels, **more})
    return dashboard_grafana.export(draft, "bot", ask)[0]


ERRORS = {"signals": ["error_ratio"]}
QUEUE = {"title": "Queue", "promql": 'sum(rate(q{team=~"$feature"}[$window]))', "unit": "seconds"}


def test_it_is_a_dashboard_of_the_classic_model() -> None:
    data = exported(ERRORS)

    assert (data["schemaVersion"], data["id"], data["uid"]) == (42, None, "bot")
    assert (data["title"], data["description"]) == ("Bot", "Well?")
    assert data["time"] == {"from": "now-1h", "to": "now"}
    assert {"templating", "annotations", "panels", "timepicker", "refresh"} <= set(data)


@pytest.mark.parametrize(
    ("widths", "places"),
    [
        (["half", "half", "half"], [(0, 0, 12), (12, 0, 12), (0, 8, 12)]),
        (["third"] * 4, [(0, 0, 8), (8, 0, 8), (16, 0, 8), (0, 8, 8)]),
        (["half", "full", "third"], [(0, 0, 12), (0, 8, 24), (0, 16, 8)]),
    ],
    ids=["halves", "thirds", "mixed"],
)
def test_panels_lie_side_by_side_as_wide_as_here(
    widths: list[str], places: list[tuple[int, int, int]]
) -> None:
    data = exported(*({**ERRORS, "width": width} for width in widths))

    found = [one["gridPos"] for one in data["panels"]]
    assert [(one["x"], one["y"], one["w"]) for one in found] == places
    assert {one["h"] for one in found} == {8}
    assert [one["id"] for one in data["panels"]] == list(range(1, len(widths) + 1))


@pytest.mark.parametrize(
    ("panel", "kind", "style"),
    [
        (ERRORS, "timeseries", ("linear", 0)),
        ({**ERRORS, "kind": "area"}, "timeseries", ("linear", 30)),
        ({**ERRORS, "kind": "steps"}, "timeseries", ("stepBefore", 30)),
        ({**ERRORS, "kind": "stat"}, "stat", None),
    ],
    ids=["lines", "areas", "steps", "number"],
)
def test_each_kind_of_chart_has_its_counterpart(
    panel: dict[str, Any], kind: str, style: tuple[str, int] | None
) -> None:
    (found,) = exported(panel)["panels"]

    custom = found["fieldConfig"]["defaults"].get("custom")
    assert found["type"] == kind
    assert style == (custom and (custom["lineInterpolation"], custom["fillOpacity"]))
    assert all(one["refId"] and one["expr"] for one in found["targets"])
    assert {one["datasource"]["uid"] for one in found["targets"]} == {"${datasource}"}


def test_a_signal_is_asked_in_promql_narrowed_by_the_variables_it_has() -> None:
    data = exported(ERRORS)

    (target,) = data["panels"][0]["targets"]
    assert 'feature=~"$feature"' in target["expr"]
    assert '="$' not in target["expr"].replace('=~"$', "")
    names = [one["name"] for one in data["templating"]["list"]]
    assert names[0] == "datasource"
    assert "feature" in names[1:]


def test_variables_are_queries_whose_all_matches_anything() -> None:
    _, feature = exported(QUEUE)["templating"]["list"]

    assert (feature["name"], feature["type"], feature["allValue"]) == ("feature", "query", ".*")
    assert feature["query"]["query"] == feature["definition"] == "label_values(team)"
    assert feature["includeAll"] is True


def test_a_variable_that_the_dashboard_does_not_offer_is_not_there() -> None:
    data = exported(ERRORS, variables=["model"])

    assert "feature" not in [one["name"] for one in data["templating"]["list"]]
    assert "$feature" not in data["panels"][0]["targets"][0]["expr"]


def test_promql_keeps_its_words_and_takes_grafanas_window() -> None:
    (panel,) = exported(QUEUE)["panels"]

    (target,) = panel["targets"]
    assert target["expr"] == 'sum(rate(q{team=~"$feature"}[$__rate_interval]))'
    assert panel["fieldConfig"]["defaults"]["unit"] == "s"


def test_several_signals_are_targets_with_letters_and_names() -> None:
    (panel,) = exported({"signals": ["latency_p50", "latency_p99"]})["panels"]

    found = [(one["refId"], one["legendFormat"]) for one in panel["targets"]]
    assert found == [("A", "Latency p50"), ("B", "Latency p99")]


def test_a_split_names_its_lines_by_the_servers_label() -> None:
    (panel,) = exported({**ERRORS, "by": ["feature"]})["panels"]

    assert panel["targets"][0]["legendFormat"] == "{{feature}}"


def test_target_and_threshold_are_drawn() -> None:
    (panel,) = exported({**QUEUE, "target": 1, "threshold": 5})["panels"]

    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(one["color"], one["value"]) for one in steps] == [
        ("text", None),
        ("green", 1),
        ("red", 5),
    ]


@pytest.mark.parametrize(
    ("panel", "known", "said"),
    [
        ({"measure": {"aggregate": "count"}}, True, "it measures spans (spans)"),
        (ERRORS, False, "no Prometheus is connected"),
    ],
    ids=["spans", "no Prometheus"],
)
def test_what_grafana_cannot_ask_is_a_text_in_its_place(
    panel: dict[str, Any], known: bool, said: str
) -> None:
    draft: DashboardDraft = dashboards.draft({"title": "Bot", "panels": [panel, QUEUE]})

    data, notes = dashboard_grafana.export(draft, "bot", ask if known else None)

    assert [one["type"] for one in data["panels"]] == ["text", "timeseries"]
    assert said in data["panels"][0]["options"]["content"]
    assert len(notes) == 1
    assert said in notes[0]
