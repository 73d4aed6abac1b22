"""Every table of rules, alerts and delivery, one file a subject.

Rows carry no behaviour; times are aware UTC and come from the caller. Spans and logs live
elsewhere: see `signals.traces` and `signals.logs`.
"""

from sqlmodel import SQLModel

from models.tables.alerts import Alert, Group, Note, Remark, Transition
from models.tables.annotations import Annotation
from models.tables.dashboards import Dashboard, DashboardVersion, Departure, Handover
from models.tables.delivery import Delivery, Escalation, Notification, Reply
from models.tables.finding import CaseNote, SavedSearch
from models.tables.incidents import Incident, Poll
from models.tables.muting import Inhibition, Silence
from models.tables.oncall import OnCallCalendar, OnCallOverride, OnCallSchedule
from models.tables.reports import Report, ReportMessage
from models.tables.rules import Policy, Rule, RuleGroup, RuleVersion, WatchedFile
from models.tables.running import (
    EngineBeat,
    Heartbeat,
    Link,
    Ping,
    SignalMapping,
    SourceStatus,
)
from models.tables.trials import Trial, TrialMessage

__all__ = [
    "Alert",
    "Annotation",
    "CaseNote",
    "Dashboard",
    "DashboardVersion",
    "Delivery",
    "Departure",
    "EngineBeat",
    "Escalation",
    "Group",
    "Handover",
    "Heartbeat",
    "Incident",
    "Inhibition",
    "Link",
    "Note",
    "Notification",
    "OnCallCalendar",
    "OnCallOverride",
    "OnCallSchedule",
    "Ping",
    "Policy",
    "Poll",
    "Remark",
    "Reply",
    "Report",
    "ReportMessage",
    "Rule",
    "RuleGroup",
    "RuleVersion",
    "SQLModel",
    "SavedSearch",
    "SignalMapping",
    "Silence",
    "SourceStatus",
    "Transition",
    "Trial",
    "TrialMessage",
    "WatchedFile",
]
