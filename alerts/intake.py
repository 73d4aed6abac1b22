"""Taking rules in: what an offer would change here, and doing it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from alerts import composites, offers, policies, rulebook, ruledraft, rulegroups
from alerts.conditions import Composite
from alerts.datastates import DataStates
from alerts.offers import Offer, Offered
from alerts.policies import PolicyError
from alerts.rulebook import Origin, RuleError
from alerts.rulecode.complaints import Complaint, RuleCodeError
from alerts.rulecode.taken import Defaults
from alerts.ruledraft import RuleDraft
from models.tables import Policy

NO_POLICY = "there is no policy yet: make one first, or have the file bring one"
# What a file of Prometheus cannot say, and people choose here.
KEPT_HERE = ("policy", "enabled")  # and what is made of data states


def defaults(session: Session, *, owner: str, policy: str = "") -> Defaults:
    """Return what rules get whose file does not say it: without `policy` the oldest one."""
    oldest = session.exec(select(Policy.name).order_by(col(Policy.id)).limit(1)).first()
    return Defaults(owner=owner, policy=policy or oldest or "-")


def settle(offer: Offer, book: "Book", *, policy: str = "", source: str = "") -> Offer:
    """Return `offer` as it would be taken here, with what it would change.

    Rules of Prometheus get names that are free or their own, and what was chosen here for them
    before stays: their policy, unless one is given, and whether they are switched on.

    Args:
        offer: What a file holds.
        book: The rules here.
        policy: A policy that somebody asked for.
        source: The file of the watched folder that it is.
    """
    page = _Page(book, offer, policy=policy, source=source)
    rules, complaints = [], []
    for one in offer.rules:
        found = page.matched(one if offer.format == "wakeful" else page.named(one))
        if reason := page.refusal(found):
            complaints.append(Complaint(reason=reason, line=one.line, rule=one.draft.name))
        else:
            rules.append(found)
            page.used.add(found.draft.name)
    rules, faulty = _sound(rules, book)
    complaints += faulty
    return replace(
        offer,
        rules=tuple(rules),
        complaints=(*offer.complaints, *complaints),
        remarks=(*offer.remarks, *_replaced(book, offer)),
    )


def take(session: Session, offer: Offer, *, by: str, now: datetime, source: str = "") -> None:
    """Write what an offer holds that was settled in this transaction; nothing is removed.

    Raises:
        RuleError, PolicyError: Somebody was faster, and it does not fit any more.
    """
    policy_ids = dict(session.exec(select(Policy.name, Policy.id)).all())
    for policy in offer.policies:
        policies.put_policy(session, policy, policy_id=policy_ids.get(policy.name))
    for group in offer.groups:
        rulegroups.put_group(session, group, source_file=source)
    rules = {one.draft.name: one for one in offer.rules}
    for name in composites.in_order({name: one.draft.condition for name, one in rules.items()}):
        one = rules[name]
        origin = Origin(file=source, line=one.line) if source else None
        if one.what == "unchanged" and (not source or one.kept_in == origin):
            continue
        rulebook.put_rule(session, one.draft, by=by, now=now, rule_id=one.rule_id, origin=origin)


def load(db: Engine, text: str, *, by: str, now: datetime) -> Offer:
    """Take a file whole, as it is; return what it held.

    Raises:
        RuleCodeError: Something in it makes no sense; nothing was taken.
    """
    with Session(db) as session:
        offer = settle(offers.read(text, defaults(session, owner=by)), Book(session))
        if offer.complaints:
            raise RuleCodeError(offer.complaints)
        try:
            take(session, offer, by=by, now=now)
        except (RuleError, PolicyError) as error:
            raise RuleCodeError([Complaint(reason=str(error))]) from error
        session.commit()
    return offer


def _sound(rules: list[Offered], book: "Book") -> tuple[list[Offered], list[Complaint]]:
    """Return the rules without composites of what is not there or of themselves, and why."""
    complaints: list[Complaint] = []
    here = {name: composites.parts_of(rule.condition) for name, (rule, _) in book.held.items()}
    here |= dict.fromkeys(book.used - here.keys(), ())
    while True:
        offered = {one.draft.name: _parts(one) for one in rules}
        known = here | offered
        faults = {name: composites.fault(name, known) for name in offered}
        if not any(faults.values()):
            return rules, complaints
        complaints += [
            Complaint(reason=reason, line=one.line, rule=one.draft.name)
            for one in rules
            if (reason := faults[one.draft.name])
        ]
        # Without those that are refused, others may be made of what is not there.
        rules = [one for one in rules if not faults[one.draft.name]]


def _parts(one: Offered) -> tuple[str, ...]:
    condition = one.draft.condition
    return condition.rules if isinstance(condition, Composite) else ()


def _replaced(book: "Book", offer: Offer) -> Iterator[Complaint]:
    """Yield what is lost of groups that have the name of one that is here."""
    for group in offer.groups:
        before = book.groups.get(group.name, group)
        lost = {one.record for one in before.recordings} - {one.record for one in group.recordings}
        if lost:
            reason = f"replaces the group of that name, without {', '.join(sorted(lost))}"
            yield Complaint(reason=reason, group=group.name)


class Book:
    """What is here, as it was when this was made; read once for many files.

    Attributes:
        used: Names that files before have taken.
    """

    def __init__(self, session: Session) -> None:
        self.held = {rule.name: (rule, policy.name) for rule, policy in rulebook.rules(session)}
        self.policies = {policy.name for policy in policies.policies(session)}
        self.groups = {group.name: group for group in rulegroups.groups(session)}
        self.used: set[str] = set()


class _Page:
    """One file held against the book."""

    def __init__(self, book: Book, offer: Offer, *, policy: str, source: str) -> None:
        self.held, self.used_before, self.used = book.held, book.used, set[str]()
        self.policies = book.policies | {policy.name for policy in offer.policies}
        self.policy, self.source = policy, source

    def named(self, one: Offered) -> Offered:
        """Return a rule of Prometheus under its own name, or one that is free."""
        draft = one.draft
        told = f"{draft.name} ({draft.group})"[:115]
        names = [draft.name, told, *(f"{told} {n}" for n in range(2, 100))]
        free = [name for name in names if not self.is_used(name)]
        tests = (self._from_here, self._the_same, lambda _, name: name not in self.held)
        name = next((n for test in tests for n in free if test(draft, n)), draft.name)
        draft = draft.model_copy(update={"name": name})
        if name not in self.held:
            return replace(one, draft=draft)
        kept = set(KEPT_HERE) - ({"policy"} if self.policy else set())
        kept |= set() if one.said_owner else {"owner"}
        kept -= {"enabled"} if self.source else set()  # what a folder has is on
        rule, policy = self.held[name]
        before = rule.model_dump(include=kept) | ({"policy": policy} if "policy" in kept else {})
        settled = draft.condition.settled.model_dump()
        open_ = {state: made for state, made in rule.data_states.items() if state not in settled}
        before["data_states"] = DataStates.model_validate(open_)
        return replace(one, draft=draft.model_copy(update=before))

    def is_used(self, name: str) -> bool:
        """Say whether this file or one before has taken a name."""
        return name in self.used or name in self.used_before

    def matched(self, one: Offered) -> Offered:
        """Return a rule with the one here that it is."""
        if one.draft.name not in self.held:
            return one
        rule, policy = self.held[one.draft.name]
        try:
            was = ruledraft.draft_of(rule, policy)
        except ValidationError:
            was = None
        return replace(one, rule_id=rule.id, was=was, kept_in=rulebook.origin_of(rule))

    def refusal(self, one: Offered) -> str:
        """Return why a rule cannot be taken here; empty if it can."""
        if one.draft.policy == "-":
            return NO_POLICY
        if one.draft.policy not in self.policies:
            return f"there is no policy named {one.draft.policy!r}"
        if self.is_used(one.draft.name):
            return "another file has a rule of that name"
        if one.kept_in and not self.source and one.what != "unchanged":
            return f"it is kept in {one.kept_in}: change it there"
        return ""

    def _from_here(self, draft: RuleDraft, name: str) -> bool:
        if not self.source or not self._is(draft, name):
            return False
        return self.held[name][0].source_file == self.source

    def _the_same(self, draft: RuleDraft, name: str) -> bool:
        if not self._is(draft, name) or self.held[name][0].group != draft.group:
            return False
        return bool(self.source) or not self.held[name][0].source_file

    def _is(self, draft: RuleDraft, name: str) -> bool:
        return name in self.held and self.held[name][0].alertname == draft.alertname
