"""The words of the field, spelled once.

States follow Prometheus (pending, firing, resolved) with PagerDuty's acknowledged; severities
and events are PagerDuty Events API v2's, which Slack messages reuse; span kinds follow
OpenInference and OpenTelemetry's `gen_ai.operation.name`.
"""

from enum import StrEnum


class AlertState(StrEnum):
    """Where an alert stands; an alert whose condition never held has no row."""

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How bad, in PagerDuty's four steps."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Event(StrEnum):
    """What a notification tells its channel."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class Outcome(StrEnum):
    """How one delivery attempt ended, as the ledger shows it."""

    DELIVERED = "delivered"  # the vendor accepted it
    EXPANDED = "expanded"  # a person was found; the messages to them are rows of their own
    RETRYING = "retrying"  # refused or unreachable for now; tried again at `next_attempt_at`
    REFUSED = "refused"  # the vendor will never accept it; a human must mend the channel
    GAVE_UP = "gave up"  # retried until patience ran out
    SETTLED = "settled"  # what it belonged to is gone, such as a deleted post: nothing to mend


class ReportKind(StrEnum):
    """What goes out once a week."""

    SPEND = "spend"  # for finance: what the last week cost
    DIGEST = "digest"  # for each owner: their dashboards, and what fired


class Comparison(StrEnum):
    """Which side of the threshold is a breach."""

    ABOVE = "above"
    BELOW = "below"


class Measure(StrEnum):
    """How a change is counted."""

    RELATIVE = "relative"  # as a share of what was
    ABSOLUTE = "absolute"  # in the unit of what changed


class Needed(StrEnum):
    """How many of several must be so."""

    ALL = "all"
    ANY = "any"


class Bad(StrEnum):
    """Which way a signal gets worse."""

    HIGH = "high"
    LOW = "low"
    NEITHER = "neither"  # traffic: neither way is bad by itself


class Unit(StrEnum):
    """What a signal's number counts. Ratios are in [0, 1]; percent exists only on screen."""

    SECONDS = "seconds"
    RATIO = "ratio"
    USD = "usd"
    COUNT = "count"
    PER_SECOND = "per second"
    POINTS = "points"


class DataState(StrEnum):
    """What a source could say when it was asked."""

    OK = "ok"
    NO_SERIES = "no series"  # answered; nothing of that name and scope exists
    NO_TRAFFIC = "no traffic"  # the series exist; nothing happened in the window
    QUERY_ERROR = "query error"  # the source refused the question
    UNREACHABLE = "unreachable"  # the source did not answer in time
    STALE = "stale data"  # it answered, but nothing new has reached it for minutes


class DataChoice(StrEnum):
    """What a rule makes of a data state other than OK."""

    KEEP = "keep"  # keep last: leave every alert as it is
    ALERT = "alert"  # the state is the breach
    RESOLVE = "resolve"  # the state is health
    SAY = "say"  # keep last, and an alert of its own says that the rule is blind
    USE = "use"  # judge by what there is: of stale data only, which are data


class Period(StrEnum):
    """What the error budget of an SLO is for."""

    DAYS_28 = "28d"  # rolling: the four weeks that end now
    DAYS_30 = "30d"  # rolling
    MONTH = "month"  # of the calendar, in a named time zone


class RotaSource(StrEnum):
    """Where an on-call schedule comes from."""

    OWN = "own"  # rotations kept here
    ICAL = "ical"  # a calendar, read from its address
    PAGERDUTY = "pagerduty"  # a schedule kept there


class SpanKind(StrEnum):
    """What one span of a trace did."""

    LLM = "llm"
    EMBEDDING = "embedding"
    RETRIEVAL = "retrieval"
    RERANK = "rerank"
    TOOL = "tool"
    AGENT = "agent"
    GUARDRAIL = "guardrail"
    EVALUATOR = "evaluator"
    CHAIN = "chain"
    HTTP = "http"
    OTHER = "other"


class SpanStatus(StrEnum):
    """OpenTelemetry's status code."""

    UNSET = "unset"
    OK = "ok"
    ERROR = "error"


class CostSource(StrEnum):
    """Where a span's cost comes from: say it wherever the number is shown."""

    REPORTED = "reported"  # the application or gateway sent it
    COMPUTED = "computed"  # tokens times the price list
    UNPRICED = "unpriced"  # tokens, but no known price: not zero, unknown
    NONE = "none"  # the span used no tokens


class PanelKind(StrEnum):
    """How a dashboard panel draws its signals."""

    LINE = "line"
    AREA = "area"
    STEPS = "steps"
    STAT = "stat"  # the present number


class Width(StrEnum):
    """How much of a row of the grid a panel takes."""

    THIRD = "third"
    HALF = "half"
    FULL = "full"


class OfferState(StrEnum):
    """What became of the offer of a dashboard to a new owner."""

    OFFERED = "offered"  # the owner stays until it is accepted
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class AnnotationKind(StrEnum):
    """What an annotation of the time axis is about."""

    DEPLOY = "deploy"  # a release of the application
    PROMPT = "prompt"  # a new version of a prompt goes out
    CANARY = "canary"  # a part of the traffic is tried on something else
    OTHER = "other"
