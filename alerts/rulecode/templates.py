"""Labels and annotations of an alert, rendered as Prometheus renders them. Pure.

Source: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/#templating
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from alerts.rulecode.gotemplate.execution import execute
from alerts.rulecode.gotemplate.expressions import TemplateError
from alerts.rulecode.gotemplate.functions import BUILTINS
from alerts.rulecode.gotemplate.nodes import Parsed
from alerts.rulecode.gotemplate.parsing import parse
from alerts.rulecode.gotemplate.prometheus import (
    FUNCTIONS,
    NEED_SURROUNDINGS,
    Ask,
    Surroundings,
    functions,
)
from alerts.rulecode.gotemplate.values import Root, Texts

_NAMES = frozenset(BUILTINS) | frozenset(FUNCTIONS) | NEED_SURROUNDINGS
_VALUE = re.compile(r"\{\{.*(\$value|\.Value)\b.*\}\}", re.DOTALL)
_VARIABLES = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
    "{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """What a template may speak of: one series that its rule's expression returned, at `now`.

    Attributes:
        labels: The series' own, with `__name__` if it has one; not what the rule adds.
        ask: Answers `query`: label sets with values. None where nothing can be asked.
    """

    labels: Mapping[str, str]
    value: float
    now: datetime
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    ask: Ask | None = None


def check(rule: str, text: str) -> str:
    """Return why `text` is no template for an alert's label or annotation; empty if it is one."""
    try:
        _parsed(rule, text)
    except TemplateError as error:
        return str(error)
    return ""


def says_value(text: str) -> bool:
    """Say whether what `text` comes to varies with the value, as far as one can see."""
    return _VALUE.search(text) is not None


def render(rule: str, text: str, about: Firing) -> str:
    """Return `text` with its actions carried out.

    What cannot be rendered comes back as Prometheus puts it: `<error expanding template: …>`.
    """
    if "{{" not in text:
        return text
    name = f"__alert_{rule}"
    root = Root(Texts(about.labels), Texts(about.external_labels), about.external_url, about.value)
    around = Surroundings(now=about.now, external_url=about.external_url, ask=about.ask)
    doing = "parsing"
    try:
        parsed = _parsed(rule, text)
        doing = "executing"
        return execute(parsed, root, {**BUILTINS, **functions(around)})
    except TemplateError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - a defect of ours must not keep an alert from firing
        reason = f"{type(error).__name__}: {error}"
    return f"<error expanding template: error {doing} template {name}: {reason}>"


def render_all(rule: str, texts: Mapping[str, str], about: Firing) -> dict[str, str]:
    """Return labels or annotations with every value rendered."""
    return {name: render(rule, text, about) for name, text in texts.items()}


def alert_labels(rule: str, texts: Mapping[str, str], about: Firing) -> dict[str, str]:
    """Return the labels of the alert: the series', the rule's rendered, and its name.

    A label that renders to nothing is taken away, the series' own too; `__name__` always is.
    """
    labels = {**about.labels, **render_all(rule, texts, about), "__name__": "", "alertname": rule}
    return {name: value for name, value in labels.items() if value}


@lru_cache(maxsize=1024)
def _parsed(rule: str, text: str) -> Parsed:
    return parse(f"__alert_{rule}", _VARIABLES + text, functions=_NAMES)
