"""The rule form: a rule as fields that widgets hold, and back. Pure.

Fields hold what stands on the screen: ratios in percent, durations as text (`5m`), labels as one
line of `name = value`. `read` turns them into a RuleDraft, which judges them.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from alerts import durations, ruledraft, ruletemplates
from alerts.datastates import DataStates
from alerts.ruledraft import RuleDraft
from alerts.ruletemplates import Template
from app import condition_form, data_state_form, label_texts
from app.condition_form import FormError
from app.label_texts import LabelTextError
from models.vocabulary import Severity

__all__ = ["FormError"]

Fields = dict[str, Any]

PATIENCES: Final = ("0s", "1m", "2m", "5m", "10m", "15m", "30m", "1h")
INTERVALS: Final = ("5s", "10s", "15s", "30s", "1m", "5m")
NEEDED: Final = "String should have at least 1 character"


def blank(*, owner: str, policy: str) -> Fields:
    """Return the fields of a new rule: the alert on the p95 latency, still without a name."""
    template = ruletemplates.templates()[0]
    return from_template(template, owner=owner, policy=policy) | {"name": "", "summary": ""}


def from_template(template: Template, *, owner: str, policy: str) -> Fields:
    """Return the fields of a new rule that follows `template`."""
    return _common_defaults() | {
        "name": template.name,
        "owner": owner,
        "summary": template.summary,
        "severity": template.severity,
        "hold": durations.write(template.hold),
        "policy": policy,
        **condition_form.fields_of(template.condition),
    }


def of(draft: RuleDraft) -> Fields:
    """Return the fields that show `draft`; `read` returns it unchanged."""
    return _common_defaults() | {
        "name": draft.name,
        "owner": draft.owner,
        "severity": draft.severity,
        "summary": draft.summary,
        "runbook_url": draft.runbook_url,
        "hold": durations.write(draft.hold),
        "keep_firing": durations.write(draft.keep_firing),
        **data_state_form.fields_of(draft.data_states),
        "interval": durations.write(draft.interval),
        "labels": label_texts.pairs_text(draft.labels),
        "annotations": label_texts.lines(draft.annotations),
        **{name: getattr(draft, name) for name in _UNSHOWN},
        "policy": draft.policy,
        "enabled": draft.enabled,
        **condition_form.fields_of(draft.condition),
    }


def read(fields: Mapping[str, Any]) -> RuleDraft:
    """Return the rule that the fields write.

    Raises:
        FormError: A field cannot be read, or the rule makes no sense; the message says why.
    """
    try:
        return RuleDraft.model_validate(
            {
                **{name: fields.get(name) or "" for name in _TEXTS},
                "severity": fields.get("severity"),
                "condition": condition_form.read(fields),
                "for": fields.get("hold") or "0s",
                "keep_firing_for": fields.get("keep_firing") or "0s",
                "data_states": data_state_form.read(fields),
                "interval": fields.get("interval") or "30s",
                "labels": label_texts.pairs(fields.get("labels") or ""),
                "annotations": label_texts.annotations(fields.get("annotations") or ""),
                **{name: fields[name] for name in _UNSHOWN if name in fields},
                "enabled": fields.get("enabled", True),
            }
        )
    except ValidationError as error:
        raise FormError(ruledraft.why(error).replace(NEEDED, "is needed")) from error
    except LabelTextError as error:
        raise FormError(str(error)) from error


def outline(fields: Mapping[str, Any]) -> RuleDraft:
    """Return the rule with what is still missing around its condition made up, for a preview.

    Raises:
        FormError: The condition or the patience cannot be read; the message says why.
    """
    made_up = {name: fields.get(name) or "-" for name in ("name", "policy")}
    try:
        label_texts.pairs(fields.get("labels") or "")
    except LabelTextError:
        made_up["labels"] = ""
    made_up["annotations"] = ""
    return read({**fields, "owner": "-", "runbook_url": "", **made_up})


# Fields that the form keeps as they are: what only a rule file has.
_UNSHOWN: Final = ("alertname", "group", "position")
_TEXTS: Final = ("name", "owner", "summary", "runbook_url", "policy")


def _common_defaults() -> Fields:
    return {
        "runbook_url": "",
        "keep_firing": "0s",
        **data_state_form.fields_of(DataStates()),
        "interval": "30s",
        "labels": "",
        "annotations": "",
        "enabled": True,
        "severity": Severity.WARNING,
        **condition_form.defaults(),
    }
