"""Everything that may be wrong with the rule in the form, of what is known already or cheap to ask.

Moving a threshold asks nobody: what a finding needs is cached by question, not by threshold.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from alerts.backtest import Hindsight
from alerts.conditions import AnyCondition, Drift, Promql, Question, Threshold
from alerts.ruledraft import RuleDraft
from alerts.rulelint import Finding, asked, itself, past, quantiles
from alerts.rulelint.past import Traffic
from alerts.rulelint.quantiles import QUANTILES
from app import cached_lint, cached_watching, looking_back, rule_form, verdicts
from app.cached_watching import Past
from app.rule_form import FormError
from signals import Query
from signals.trust import Bucket


def typed(fields: Mapping[str, Any]) -> RuleDraft | None:
    """Return the rule as it stands, its owner and runbook perhaps empty; None without condition."""
    try:
        rule = rule_form.outline(fields)
    except FormError:
        return None
    said = {name: (fields.get(name) or "").strip() for name in ("owner", "runbook_url")}
    return rule.model_copy(update=said)


def of(rule: RuleDraft, rule_id: int | None) -> list[Finding]:
    """Return what is wrong with a rule whatever its past."""
    beside = cached_lint.others().findings(rule, rule_id)
    return [*itself.findings(rule), *beside, *_expression(rule.condition)]


def in_hindsight(
    rule: RuleDraft, found: Hindsight, pasts: Mapping[Question, Past], span: timedelta
) -> list[Finding]:
    """Return what the last `span` tells of it."""
    drawn = next((answered.series for answered in pasts.values()), ())
    return [
        *past.in_hindsight(rule, found, drawn),
        *past.by_traffic(rule, _traffic(rule.condition, span)),
        *quantiles.by_buckets(rule.condition, _buckets(rule.condition)),
    ]


def _expression(condition: AnyCondition) -> list[Finding]:
    if not isinstance(condition, Promql):
        return []
    verdict = verdicts.of(condition.expression)
    if verdict is None or verdict.complaint or verdict.cost is None:
        # A server that is late or silent is not asked for its names as well, which are waited for.
        return asked.syntax(verdict.complaint) if verdict else []
    known = cached_lint.named(condition.expression)
    return [*(asked.names(*known) if known else ()), *asked.cost(verdict.cost)]


def _traffic(condition: AnyCondition, span: timedelta) -> dict[timedelta, Traffic]:
    found = {}
    for window in past.windows(condition):
        question = condition.questions[0]
        if not isinstance(question, Query):
            continue
        rate = Query(signal="request_rate", window=window, scope=question.scope, by=question.by)
        step = cached_watching.past_step(condition.questions)
        answer = looking_back.shelf.answer(rate, span, step)
        traffic = past.quietest(answer.data.series, window) if answer.data else None
        if traffic is not None:
            found[window] = traffic
    return found


def _buckets(condition: AnyCondition) -> tuple[Bucket, ...]:
    if not isinstance(condition, Threshold | Drift) or condition.signal not in QUANTILES:
        return ()
    return cached_lint.buckets(condition.over(condition.window))
