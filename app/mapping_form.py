"""The form for a user's own mapping: its fields as widgets hold them, and back. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from alerts import ruledraft
from app import label_texts
from app.label_texts import LabelTextError
from app.rule_form import FormError
from models.tables import SignalMapping
from signals.mapping import MappingDraft

EXAMPLE: Final = "sum by ($by) (rate(my_requests_total{$scope}[$window]))"
HELP: Final = (
    "`$scope` stands for label matchers, each followed by a comma: `my_requests_total{$scope}`. "
    "`$window` is how far back, such as `300s`, and `$seconds` the same as a number. `$by` is the "
    "labels to split by: `sum by ($by) (…)`, or `sum by (le, $by) (…)` under a quantile."
)
LABELS_HELP: Final = (
    "By which of our labels it can be narrowed and split, and what each is called at the server: "
    "`model = gen_ai_request_model, tenant = team`."
)


def of(row: SignalMapping | None) -> dict[str, Any]:
    """Return the fields that show a mapping; those of a new one for None."""
    if row is None:
        return {"promql": "", "labels": ""}
    return {"promql": row.promql, "labels": label_texts.pairs_text(row.labels)}


def read(signal: str, fields: Mapping[str, Any]) -> MappingDraft:
    """Return the mapping that the fields write.

    Raises:
        FormError: Something in it makes no sense; the message says what.
    """
    promql = (fields.get("promql") or "").strip()
    if not promql:
        raise FormError("write an expression")
    try:
        labels = label_texts.pairs(fields.get("labels") or "")
        return MappingDraft(signal=signal, promql=promql, labels=labels)
    except ValidationError as error:
        raise FormError(ruledraft.why(error)) from error
    except LabelTextError as error:
        raise FormError(str(error)) from error
