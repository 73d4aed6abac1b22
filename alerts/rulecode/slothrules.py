"""The Prometheus rules that Sloth makes of an SLO, so that both can watch the same series. Pure.

Names, labels and grouping are Sloth's. Numbers are rounded where Sloth's own arithmetic in percent
leaves a rest: 0.001 where it writes 0.0009999999999999432.

Source: https://sloth.dev/introduction/architecture/ and the generated examples in slok/sloth
"""

from collections.abc import Mapping
from datetime import timedelta

from alerts import durations
from alerts.rulecode.promfile import PromFile, PromGroup, PromRule
from alerts.rulecode.slo import Burn, Slo, SloAlert

_BY = "sloth_id, sloth_slo, sloth_service"
_TITLE = "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is"


def rules(slo: Slo) -> PromFile:
    """Return the recording rules and alerts of one SLO, as Sloth groups them."""
    groups = [
        _group("sli-recordings", slo, _indicators(slo)),
        _group("meta-recordings", slo, _metadata(slo)),
    ]
    if slo.alerts:
        groups.append(_group("alerts", slo, tuple(_alert(slo, alert) for alert in slo.alerts)))
    return PromFile(groups=tuple(groups))


def _group(what: str, slo: Slo, found: tuple[PromRule, ...]) -> PromGroup:
    return PromGroup(name=f"sloth-slo-{what}-{_id(slo)}", rules=found)


def _id(slo: Slo) -> str:
    return f"{slo.service}-{slo.name}"


def _labels(slo: Slo) -> dict[str, str]:
    return {
        "sloth_id": _id(slo),
        "sloth_service": slo.service,
        "sloth_slo": slo.name,
    }


def _selector(slo: Slo) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in _labels(slo).items()) + "}"


def _metric(window: timedelta) -> str:
    return f"slo:sli_error:ratio_rate{durations.write(window)}"


def _burns(slo: Slo) -> list[Burn]:
    return [burn for alert in slo.alerts for burn in alert.burns]


def _windows(slo: Slo) -> list[timedelta]:
    """Return every window that an alert looks at, the shortest first."""
    burns = _burns(slo)
    found = {burn.long for burn in burns} | {burn.short for burn in burns if burn.short}
    return sorted(found) or [timedelta(minutes=5)]


def _record(slo: Slo, name: str, expr: str, **more: str) -> PromRule:
    return PromRule(record=name, expr=expr, labels={**_labels(slo), **more, **slo.labels})


def _indicators(slo: Slo) -> tuple[PromRule, ...]:
    windows = _windows(slo)
    found = [
        _record(
            slo, _metric(window), slo.indicator.errors(window), sloth_window=durations.write(window)
        )
        for window in windows
    ]
    # The whole period from the shortest window's recordings: asking the source would cost 30 days.
    series, period = f"{_metric(windows[0])}{_selector(slo)}", durations.write(slo.period)
    average = (
        f"sum_over_time({series}[{period}])\n"
        f"/ ignoring (sloth_window)\n"
        f"count_over_time({series}[{period}])"
    )
    labels = {"sloth_window": period}
    return (*found, PromRule(record=_metric(slo.period), expr=average, labels=labels))


def _metadata(slo: Slo) -> tuple[PromRule, ...]:
    burn_rate = (
        "{metric}" + _selector(slo) + f"\n/ on({_BY}) group_left\n"
        f"slo:error_budget:ratio{_selector(slo)}"
    )
    current, whole = _metric(_windows(slo)[0]), _metric(slo.period)
    expressions: Mapping[str, str] = {
        "slo:objective:ratio": f"vector({slo.objective:.12g})",
        "slo:error_budget:ratio": f"vector(1-{slo.objective:.12g})",
        "slo:time_period:days": f"vector({slo.period / timedelta(days=1):.12g})",
        "slo:current_burn_rate:ratio": burn_rate.replace("{metric}", current),
        "slo:period_burn_rate:ratio": burn_rate.replace("{metric}", whole),
        "slo:period_error_budget_remaining:ratio": (
            f"1 - slo:period_burn_rate:ratio{_selector(slo)}"
        ),
    }
    info = {
        "sloth_mode": "cli-gen-prom",
        "sloth_objective": f"{slo.objective * 100:.12g}",
        "sloth_spec": "prometheus/v1",
        "sloth_version": "wakeful",
    }
    found = [_record(slo, name, expr) for name, expr in expressions.items()]
    return (*found, _record(slo, "sloth_slo_info", "vector(1)", **info))


def _alert(slo: Slo, alert: SloAlert) -> PromRule:
    said = {
        "title": f"({alert.severity}) {_TITLE} too fast.",
        "summary": f"{_TITLE} over expected.",
    }
    return PromRule(
        alert=alert.name,
        expr="\nor ignoring (sloth_window)\n".join(_exceeded(slo, burn) for burn in alert.burns),
        hold=alert.hold,
        labels={"sloth_severity": alert.severity, **alert.labels},
        annotations={**said, **alert.annotations},
    )


def _exceeded(slo: Slo, burn: Burn) -> str:
    windows = [burn.long] if burn.short is None else [burn.short, burn.long]
    bound = f"{burn.factor:.12g} * {slo.budget:.12g}"
    sides = [f"    ({_metric(window)}{_selector(slo)} > ({bound}))" for window in windows]
    return "(\n" + "\n    and ignoring (sloth_window)\n".join(sides) + "\n)"
