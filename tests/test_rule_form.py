"""The rule form's fields: a rule comes out as it went in, and what makes no sense is said."""

from datetime import timedelta

import pytest

from alerts import ruletemplates
from alerts.conditions import Threshold
from alerts.datastates import DataStates
from alerts.ruledraft import RuleDraft
from app import condition_form, rule_form
from app.rule_form import FormError
from models.vocabulary import DataChoice, Severity
from signals.catalog import CATALOG


@pytest.mark.parametrize("template", ruletemplates.templates(), ids=lambda t: t.name)
def test_fields_hold_every_template_unchanged(template: ruletemplates.Template) -> None:
    fields = rule_form.from_template(template, owner="ada", policy="standard")
    draft = rule_form.read(fields)
    assert (draft.condition, draft.hold) == (template.condition, template.hold)
    assert rule_form.read(rule_form.of(draft)) == draft


def test_every_field_of_a_rule_survives_the_form() -> None:
    draft = RuleDraft(
        name="All of it",
        owner="ada",
        severity=Severity.ERROR,
        summary="Something",
        runbook_url="https://example.org",
        condition=Threshold(
            signal="guardrail_ratio", bound=0.07, scope={"tenant": "acme"}, by=("model",)
        ),
        hold=timedelta(seconds=90),
        keep_firing=timedelta(minutes=3),
        data_states=DataStates(no_series=DataChoice.ALERT, stale_data=DataChoice.USE),
        interval=timedelta(seconds=7),
        labels={"team": "platform", "tier": "1"},
        enabled=False,
        policy="standard",
    )
    assert rule_form.read(rule_form.of(draft)) == draft


@pytest.mark.parametrize("percent", [0.1, 1.1, 2.3, 3.0, 14.4, 29.0, 57.3, 99.95])
def test_percent_on_screen_is_exactly_the_ratio_meant(percent: float) -> None:
    unit = CATALOG["error_ratio"].unit
    ratio = condition_form.off_screen(percent, unit)
    assert condition_form.on_screen(ratio, unit) == percent
    assert ratio == float(f"{percent / 100:.10f}")


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("labels", "team", "labels: 'team' is not a label"),
        ("hold", "soon", "'soon' is not a duration"),
        ("runbook_url", "ftp://x", "a runbook is an http or https link"),
        ("bound", None, "say how much is too much"),
        ("window", "0s", "window: "),
        ("name", "   ", "name: is needed"),
    ],
)
def test_what_cannot_be_read_is_said(field: str, value: object, complaint: str) -> None:
    fields = rule_form.from_template(ruletemplates.templates()[0], owner="ada", policy="standard")
    with pytest.raises(FormError, match=complaint):
        rule_form.read(fields | {field: value})
