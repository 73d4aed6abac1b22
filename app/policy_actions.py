"""What the buttons on policies do; each keeps one line to say how it went."""

from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from alerts import policies
from alerts.policies import PolicyError
from app import cached_alerts, opened, parts, policy_form, wired
from app.drafts import Draft
from app.parts import plain
from app.rule_form import FormError
from models.database import read_only
from models.tables import Policy

OPENED: Final = ("policy",)  # what the address of the form says
_REFUSED: Final = ":material/block:"


def save(draft: Draft, policy_id: int | None) -> None:
    """Write the policy that was typed, and go back to the list."""
    fields = draft.fields
    if not fields:  # the second half of a double click
        return
    try:
        policy = policy_form.read(fields)
        saved = policies.save_policy(wired.current().db, policy, policy_id=policy_id)
        older = _older(saved)
    except (FormError, PolicyError) as error:
        parts.flash(f"Not saved: {plain(str(error))}", _REFUSED)
    except SQLAlchemyError:
        parts.flash(f"{cached_alerts.DATABASE_DOWN} Nothing was saved: try again.", _REFUSED)
    else:
        draft.drop()
        cached_alerts.clear()
        parts.flash(f"Saved {plain(policy.name)}. Alerts that fire from now on follow it.{older}")
        leave()


def _older(policy_id: int) -> str:
    """Say how many open groups of alerts go on with the policy as it was, and which."""
    with Session(read_only(wired.current().db)) as session:
        groups = policies.groups_on_older(session, session.get_one(Policy, policy_id))
    if not groups:
        return ""
    names = ", ".join(plain(group.title) for group in groups[:3])
    more = f" and {len(groups) - 3} more" if len(groups) > 3 else ""
    return f" {names}{more} {'goes' if len(groups) == 1 else 'go'} on with it as it was."


def leave() -> None:
    """Go back to the list."""
    opened.close(*OPENED)


def cancel(draft: Draft) -> None:
    """Forget what was typed, and go back to the list."""
    draft.drop()
    leave()


def add_step(draft: Draft) -> None:
    """Add a step at the end."""
    number = draft.get("made")
    draft.put("made", number + 1)
    draft.put("order", [*draft.get("order"), number])
    draft.seed(policy_form.step_fields(number, after="5m"))
