"""On which alerts somebody acted: took them, wrote on them, moved them on, or closed them."""

from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from alerts.lifecycle import ENGINE
from models.tables import Alert, Note, Remark, Transition
from models.vocabulary import AlertState


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """The ids of alerts.

    Attributes:
        acknowledged: Somebody took them, even if nobody has them any longer.
        any_way: Somebody did something about them, or about their group.
    """

    acknowledged: frozenset[int]
    any_way: frozenset[int]


def acted(session: Session, *which: ColumnElement[bool]) -> Acted:
    """Return on which of the alerts that meet all of `which` somebody acted."""
    among = select(Alert.id).where(*which)

    def ids(query: Any) -> frozenset[int]:
        return frozenset(cast(int, one) for one in session.exec(query))

    acknowledged = ids(
        select(Transition.alert_id)
        .where(Transition.to_state == AlertState.ACKNOWLEDGED, Transition.actor != ENGINE)
        .where(col(Transition.alert_id).in_(among))
        .distinct()
    )
    noted = ids(select(Note.alert_id).where(col(Note.alert_id).in_(among)).distinct())
    remarked = select(Remark.group_id).where(Remark.actor != ENGINE)
    noted_groups = select(Alert.group_id).join(Note).where(col(Note.whole_group))
    on_group = or_(col(Alert.group_id).in_(remarked), col(Alert.group_id).in_(noted_groups))
    by_hand = (col(Alert.state) == AlertState.RESOLVED) & (col(Alert.resolved_by) != ENGINE)
    otherwise = ids(among.where(or_(on_group, by_hand)))
    return Acted(acknowledged=acknowledged, any_way=acknowledged | noted | otherwise)
