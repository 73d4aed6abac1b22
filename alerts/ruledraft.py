"""A rule as someone wrote it: checked at the door, and written again."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from alerts import pings
from alerts.conditions import KINDS, AnyCondition, Condition, parse_condition
from alerts.datastates import DataStates
from alerts.durations import Duration
from alerts.rulecode import templates
from models.tables import Rule
from models.vocabulary import Severity

LONGEST_INTERVAL = timedelta(days=365)
Verbatim = Annotated[str, StringConstraints(strip_whitespace=False)]
_SELDOM = ("data_states", "annotations", "alertname", "group", "position")


class RuleDraft(BaseModel):
    """A rule as someone wrote it; pydantic's ValidationError says what is wrong with it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, populate_by_name=True)

    name: str = Field(min_length=1, max_length=120)
    owner: str = Field(min_length=1, max_length=120)
    severity: Severity = Severity.WARNING
    summary: str = Field(default="", max_length=2000)
    runbook_url: str = Field(default="", max_length=2000)
    condition: Condition
    hold: Duration = Field(default=timedelta(), alias="for", ge=timedelta())
    keep_firing: Duration = Field(default=timedelta(), alias="keep_firing_for", ge=timedelta())
    data_states: DataStates = Field(
        default=DataStates(),
        description="What is made of having no answer; else what is usual for the kind",
    )
    interval: Duration = Field(
        default=timedelta(seconds=30), ge=timedelta(seconds=1), le=LONGEST_INTERVAL
    )
    labels: dict[Verbatim, Verbatim] = Field(
        default={}, description="Added to an alert's; Go templates, as in Prometheus"
    )
    annotations: dict[Verbatim, Verbatim] = Field(
        default={}, description="Said of an alert; Go templates, as in Prometheus"
    )
    enabled: bool = True
    policy: str = Field(min_length=1, description="Name of an escalation policy")
    alertname: Verbatim = Field(
        default="", max_length=2000, description="Its name in Prometheus, if that is another"
    )
    group: Verbatim = Field(default="", max_length=2000, description="Its group in Prometheus")
    position: int = Field(default=0, ge=0, le=1_000_000, description="Its place in the group")

    @field_validator("name", "owner", "summary", "runbook_url", "alertname", "group")
    @classmethod
    def _fits_a_column(cls, text: str) -> str:
        if "\0" in text:  # PostgreSQL's texts hold none
            raise ValueError("a NUL character cannot be kept")
        return text

    @model_validator(mode="before")
    @classmethod
    def _names_states(cls, data: Any) -> Any:
        if isinstance(data, dict) and "no_data" in data:
            raise ValueError("no_data: now data_states, such as {no_series: alert}: see the README")
        return data

    @model_validator(mode="after")
    def _chooses_what_is_open(self) -> "RuleDraft":
        settled = self.condition.settled.model_dump().keys()
        if taken := sorted(settled & self.data_states.model_dump().keys()):
            raise ValueError(f"data_states: what {taken[0]} means to a {self.condition.kind} rule "
                             "is settled: leave it out")  # fmt: skip
        return self

    @model_validator(mode="after")
    def _stays_the_same_alert(self) -> "RuleDraft":
        # PromQL's series are gone when they are well; a signal's stay, under labels of their own.
        for name, text in self.labels.items():
            if self.condition.kind != "promql" and templates.says_value(text):
                raise ValueError(f"labels: {name!r} varies with the value: its alert never ends")
        return self

    @field_validator("interval")
    @classmethod
    def _is_whole(cls, interval: timedelta) -> timedelta:
        if interval % timedelta(seconds=1):
            raise ValueError("whole seconds are needed")
        return interval

    @field_validator("runbook_url")
    @classmethod
    def _is_a_link(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError("a runbook is an http or https link")
        return url


def draft_of(rule: Rule, policy: str) -> RuleDraft:
    """Return `rule` as it would be written."""
    fields = rule.model_dump(include=set(RuleDraft.model_fields) - {"condition"})
    return RuleDraft(
        **fields,
        condition=parse_condition(rule.condition),
        interval=timedelta(seconds=rule.interval_seconds),
        policy=policy,
    )


def written(draft: RuleDraft) -> dict[str, Any]:
    """Return `draft` as JSON has it, without what few rules have, if it has not."""
    data = draft.model_dump(mode="json", by_alias=True)
    return {k: v for k, v in data.items() if v or k not in _SELDOM}


def heartbeat_of(condition: AnyCondition) -> str:
    """Return the name of the one heartbeat that a condition waits for; empty for none."""
    if getattr(condition, "signal", "") != pings.SIGNAL:
        return ""
    return str(getattr(condition, "scope", {}).get(pings.LABEL, ""))


def why(error: ValidationError) -> str:
    """Return pydantic's complaints as one line: `condition.bound: should be a number; …`."""
    complaints = []
    for item in error.errors():
        place = ".".join(str(part) for part in item["loc"] if part not in KINDS)
        reason = item["msg"].removeprefix("Value error, ")
        complaints.append(f"{place}: {reason}" if place else reason)
    return "; ".join(complaints)
