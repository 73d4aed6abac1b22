"""Many rules switched on or off at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from alerts import rulebook
from alerts.rulebook import RuleError

BATCH = 50  # rules in one transaction: the engines write between two of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """What became of the rules.

    Attributes:
        changed: How many are now what they were not; the others were so already.
        refused: Why some stay as they are, a sentence each.
    """

    changed: int
    refused: tuple[str, ...] = ()


def switch_all(
    db: Engine, rule_ids: Sequence[int], enabled: bool, *, by: str, now: datetime
) -> Switched:
    """Switch rules on or off; one that is gone or kept in a file is left, and told.

    Asked twice for the same, it changes nothing the second time, and no rule has a new version.
    """
    changed, refused = 0, list[str]()
    for begin in range(0, len(rule_ids), BATCH):
        with Session(db) as session:
            for rule_id in rule_ids[begin : begin + BATCH]:
                try:
                    changed += rulebook.switch(session, rule_id, enabled, by=by, now=now)
                except RuleError as error:
                    refused.append(str(error))
            session.commit()
    return Switched(changed=changed, refused=tuple(refused))
