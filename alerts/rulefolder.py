"""A folder of rule files that is watched: what they say is so here (GitOps).

A file is taken whole or not at all: of one that is broken, the rules stay as they were, and
`WatchedFile` says why. A rule that no sound file has any more is switched off and its alerts
end. A folder that is gone or empty is not believed: nothing changes.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, col, delete, func, select, update

from alerts import intake, offers, rulebook
from alerts.offers import Offer
from alerts.rulecode.complaints import Complaint, RuleCodeError
from alerts.rulecode.yamltree import LIMIT_BYTES
from models.tables import Rule, RuleGroup, WatchedFile

logger = logging.getLogger(__name__)

SUFFIXES = (".yaml", ".yml")
LIMIT_FILES = 1000
AGAIN = timedelta(minutes=1)
SETTLED = timedelta(seconds=2)  # a file that was written to just now is perhaps half written
WHOLE = "."  # stands for the folder itself
LIMIT_COMPLAINT = 2000

Stamp = Mapping[str, tuple[int, int, int]]


class FolderError(Exception):
    """The folder cannot be believed; one sentence says why."""


@dataclass(slots=True)
class RuleFolder:
    """Keeps the rules of one folder as its files have them."""

    db: Engine
    path: Path
    _seen: Stamp | None = None
    _again_at: datetime | None = None  # while something is refused: perhaps its policy comes
    _complaints: dict[str, str] = field(default_factory=dict)

    def follow(self, now: datetime) -> None:
        """Take what has changed since the last call."""
        try:
            stamp = _stamp(self.path)
        except (FolderError, OSError) as error:
            self._complain({WHOLE: f"{self.path}: {error}"}, now)
            self._seen = None
            return
        newest = max((at for at, _, _ in stamp.values()), default=0)
        age = now - datetime.fromtimestamp(newest / 1e9, UTC)
        known = stamp == self._seen and (self._again_at is None or now < self._again_at)
        if known or timedelta() <= age < SETTLED:
            return
        offered = {name: _offer(self.db, self.path, name) for name in stamp}
        with Session(self.db) as session:
            complaints = _take(session, offered, now=now)
            session.commit()
        self._seen = stamp
        self._complain(complaints, now)

    def _complain(self, complaints: dict[str, str], now: datetime) -> None:
        """Say what is new of it, and come back to it."""
        for name, reason in complaints.items():
            if self._complaints.get(name) != reason:
                logger.warning("rules refused file=%s reason=%s", name, reason)
        if WHOLE in complaints and self._complaints != complaints:
            with Session(self.db) as session:
                session.merge(_watched(WHOLE, 0, complaints[WHOLE], now))
                session.commit()
        self._complaints = complaints
        self._again_at = now + AGAIN if complaints else None


def let_go(db: Engine) -> None:
    """Let people change the rules of a folder that is watched no longer."""
    with Session(db) as session:
        session.exec(delete(WatchedFile))
        kept = update(Rule).where(col(Rule.source_file) != "")
        session.exec(kept.values(source_file="", source_line=None))
        session.commit()


def files(session: Session) -> list[WatchedFile]:
    """Return the files of the folder as they were last read, broken ones first."""
    rows = session.exec(select(WatchedFile).order_by(col(WatchedFile.path)))
    return sorted(rows, key=lambda row: not row.complaint)


def _stamp(folder: Path) -> Stamp:
    """Return what tells whether a file of the folder has changed.

    Raises:
        FolderError: There is no such folder, nothing in it, or too much.
    """
    if not folder.is_dir():
        raise FolderError("there is no such folder: nothing of its rules changes")
    found = dict(_entries(folder))
    if not found:
        raise FolderError("no rule file is in it: nothing of its rules changes")
    if len(found) > LIMIT_FILES:
        raise FolderError(f"more than {LIMIT_FILES} rule files are in it: nothing is taken")
    return found


def _entries(folder: Path) -> Iterator[tuple[str, tuple[int, int, int]]]:
    for place, folders, names in os.walk(folder):
        # Hidden ones are Git's, or Kubernetes' own copies of what is mounted.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                path = Path(place, name)
                status = path.stat()
                about = (status.st_mtime_ns, status.st_size, status.st_ino)
                yield str(path.relative_to(folder)), about


def _offer(db: Engine, folder: Path, name: str) -> Offer:
    try:
        with (folder / name).open("rb") as opened:
            raw = opened.read(LIMIT_BYTES + 1)
        if len(raw) > LIMIT_BYTES:
            return _refused(f"larger than {LIMIT_BYTES // 1_000_000} MB")
        with Session(db) as session:
            defaults = intake.defaults(session, owner=name)
        return offers.checked(offers.read(raw.decode(), defaults))
    except (OSError, UnicodeDecodeError) as error:
        return _refused(f"cannot be read: {error}")


def _refused(reason: str) -> Offer:
    return Offer(format="unknown", complaints=(Complaint(reason=reason),))


def _take(session: Session, offered: Mapping[str, Offer], *, now: datetime) -> dict[str, str]:
    """Bring the rules up to date with every sound file; return what is wrong with the others."""
    book = intake.Book(session)
    sound: dict[str, set[str]] = {}
    complaints: dict[str, str] = {}
    for name, read in offered.items():
        offer = intake.settle(read, book, source=name)
        if offer.complaints:
            complaints[name] = str(RuleCodeError(offer.complaints))
            continue
        intake.take(session, offer, by=name, now=now, source=name)
        sound[name] = {one.draft.name for one in offer.rules}
        book.used |= sound[name]
        _log(name, offer)
    _let_go_of_the_rest(session, offered.keys(), sound, now=now)
    session.exec(delete(WatchedFile))
    counts = select(Rule.source_file, func.count()).group_by(col(Rule.source_file))
    kept = dict(session.exec(counts).all())
    for name in offered:
        session.add(_watched(name, kept.get(name, 0), complaints.get(name, ""), now))
    return complaints


def _let_go_of_the_rest(
    session: Session, names: Iterable[str], sound: Mapping[str, set[str]], *, now: datetime
) -> None:
    """Switch off the rules whose file is gone, or is sound and does not have them."""
    broken = set(names) - sound.keys()
    for rule in session.exec(select(Rule).where(col(Rule.source_file) != "")).all():
        file = rule.source_file
        if file not in broken and rule.name not in sound.get(file, ()):
            logger.info("rule gone name=%r file=%s", rule.name, file)
            rulebook.release(session, rule, by=file, now=now)
    gone = (col(RuleGroup.source_file) != "", col(RuleGroup.source_file).not_in(list(names)))
    session.exec(delete(RuleGroup).where(*gone))


def _log(name: str, offer: Offer) -> None:
    changed = [one.draft.name for one in offer.rules if one.what != "unchanged"]
    if changed:
        logger.info("rules taken file=%s rules=%d changed=%d", name, len(offer.rules), len(changed))


def _watched(path: str, rules: int, complaint: str, now: datetime) -> WatchedFile:
    return WatchedFile(path=path, read_at=now, rules=rules, complaint=complaint[:LIMIT_COMPLAINT])
