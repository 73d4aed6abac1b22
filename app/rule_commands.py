"""`wakeful rules`: rules as files, in and out, compared and tested."""

import argparse
import glob
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from sqlmodel import Session

from alerts import intake, offers, promtool, rulebook, rulefile, ruletests
from alerts.offers import Offer, Offered
from alerts.promtool import PromtoolError
from alerts.rulecode import promfile, promtest
from alerts.rulecode.changes import differences
from alerts.rulecode.complaints import Complaint, RuleCodeError
from alerts.rulecode.leaving import Leaving
from alerts.rulecode.promfile import PROMETHEUS_2_42, PROMETHEUS_3, PromFile, PromGroup
from alerts.rulecode.promtest import TestFile
from alerts.rulecode.taken import Defaults
from alerts.rulecode.yamltree import LIMIT_BYTES
from alerts.ruledraft import written
from alerts.wiring import Role, Wiring
from app.started import start
from models.database import read_only

DIALECTS = {"2": PROMETHEUS_2_42, "3": PROMETHEUS_3}


def add_commands(book: argparse.ArgumentParser) -> None:
    """Add `import`, `export`, `check`, `diff` and `test`."""
    actions = book.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, run: object, meaning: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=meaning, description=meaning)
        added.set_defaults(run=run)
        return added

    taking = action("import", take, "Take a file: ours, Prometheus', Sloth's or OpenSLO's")
    taking.add_argument("--dry-run", action="store_true", help="Say what it would do, only")
    taking.add_argument(
        "--partial", action="store_true", help="Take what is sound of a broken file"
    )
    comparing = action("diff", compare, "Say what importing a file would change; 1 if anything")
    for one in (taking, comparing):
        one.add_argument("file", metavar="FILE", help="YAML; - for standard input")
        one.add_argument("--policy", default="", help="Policy of rules whose file names none")
        one.add_argument("--owner", default="", help="Owner of rules whose labels name none")
    leaving = action("export", give, "Write every rule as a file")
    leaving.add_argument("file", metavar="FILE", nargs="?", default="-", help="- for the terminal")
    leaving.add_argument("--format", choices=("wakeful", "prometheus"), default="wakeful")
    leaving.add_argument(
        "--prometheus", choices=DIALECTS, help="Its version; that of promtool on PATH, or 3"
    )
    checking = action("check", check, "Say whether files are sound, without a database")
    checking.add_argument("files", metavar="FILE", nargs="+")
    testing = action(
        "test",
        test,
        "Run unit tests in promtool's format: Wakeful decides which alerts fire, on what promtool, "
        "which must be on PATH, says that the PromQL returns",
    )
    testing.add_argument("files", metavar="FILE", nargs="+")
    testing.add_argument(
        "--rules", metavar="FILE", nargs="+", default=[],
        help="What to test, in place of the tests' rule_files; without either, all rules here",
    )  # fmt: skip


def take(options: argparse.Namespace) -> int:
    """Take a file; nothing of one that is broken, unless asked."""
    with closing(start(Role.TOOL)) as wiring, Session(wiring.db) as session:
        offer = _offer(session, options, wiring)
        _report(offers.judged(offer, rulebook.drafts(session).values()))
        if offer.complaints and not options.partial:
            print("Nothing was taken: mend the file, or take the rest of it with --partial.")
            return 1
        if options.dry_run:
            print("Nothing was taken: this was a dry run.")
            return 0
        by = f"{options.owner or wiring.settings.local_user} (import)"
        intake.take(session, offer, by=by, now=wiring.clock())
        session.commit()
    print(f"Took {_count(offer)}.")
    return 0


def compare(options: argparse.Namespace) -> int:
    """Say what a file would change."""
    with closing(start(Role.TOOL)) as wiring, Session(read_only(wiring.db)) as session:
        offer = _offer(session, options, wiring)
    changing = tuple(one for one in offer.rules if one.what != "unchanged")
    _report(replace(offer, rules=changing, left=()))
    return 1 if changing or offer.complaints else 0


def give(options: argparse.Namespace) -> int:
    """Write every rule, and say which a Prometheus file cannot hold."""
    with closing(start(Role.TOOL)) as wiring, Session(read_only(wiring.db)) as session:
        if options.format == "wakeful":
            text = rulefile.dump(session)
        else:
            leaving = rulefile.leaving(session)
            text = promfile.write(leaving.file, dialect=_dialect(options.prometheus))
            _say_left_out(leaving)
    if options.file == "-":
        print(text, end="")
    else:
        Path(options.file).write_text(text, encoding="utf-8")
    return 0


def check(options: argparse.Namespace) -> int:
    """Say of each file whether it is sound, and what may be wrong with its rules all the same."""
    sound = True
    for file in options.files:
        nobody = Defaults(owner="nobody", policy="none")
        offer = offers.judged(offers.checked(offers.read(read(file), nobody)))
        for complaint in offer.complaints:
            print(f"{file}: {complaint}", file=sys.stderr)
        for remark in (*offer.left, *offer.remarks):
            print(f"{file}: note: {remark}")
        for one in offer.rules:
            for found in one.findings:
                said = Complaint(reason=str(found), line=one.line, rule=one.draft.name)
                print(f"{file}: {said}")
        if offer.complaints:
            sound = False
        else:
            print(f"{file}: {_count(offer)} in order ({offer.format})")
    return 0 if sound else 1


def test(options: argparse.Namespace) -> int:
    """Run unit tests; 1 if one fails."""
    passed = True
    for file in options.files:
        tests = promtest.parse(read(file))
        outcome = ruletests.run(tests, _under_test(tests, Path(file).parent, options.rules))
        print(f"{file}: {'passed' if outcome.passed else 'FAILED'}")
        for failure in outcome.failures:
            print(f"  {failure}")
        passed = passed and outcome.passed
    return 0 if passed else 1


def read(file: str) -> str:
    """Return a file's text, or what is typed for `-`.

    Raises:
        RuleCodeError: It cannot be read, or is larger than is taken.
    """
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(LIMIT_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                raw = opened.read(LIMIT_BYTES + 1)
        if len(raw) > LIMIT_BYTES:
            megabytes = LIMIT_BYTES // 1_000_000
            raise RuleCodeError([Complaint(reason=f"{file} is larger than {megabytes} MB")])
        return raw.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise RuleCodeError([Complaint(reason=f"cannot read {file}: {error}")]) from error


def _offer(session: Session, options: argparse.Namespace, wiring: Wiring) -> Offer:
    owner = options.owner or wiring.settings.local_user
    defaults = intake.defaults(session, owner=owner, policy=options.policy)
    offer = offers.checked(offers.read(read(options.file), defaults))
    return intake.settle(offer, intake.Book(session), policy=options.policy)


def _report(offer: Offer) -> None:
    for one in offer.rules:
        print(f"{one.what:<10} {one.draft.name}{f'  (line {one.line})' if one.line else ''}")
        notes = (f"note: {note}" for note in one.notes)
        for said in (*_changes(one), *notes, *map(str, one.findings)):
            print(f"{'':<10}   {said}")
    for left in offer.left:
        print(f"{'left':<10} {left}")
    for complaint in offer.complaints:
        print(f"{'refused':<10} {complaint}", file=sys.stderr)
    for remark in offer.remarks:
        print(f"{'note':<10} {remark}")


def _changes(one: Offered) -> Iterable[str]:
    if one.was is None:
        return ()
    return map(str, differences(written(one.was), written(one.draft)))


def _count(offer: Offer) -> str:
    recordings = sum(len(group.recordings) for group in offer.groups)
    counts = (
        (len(offer.policies), "policy", "policies"),
        (len(offer.rules), "rule", "rules"),
        (recordings, "recording rule kept", "recording rules kept"),
    )
    said = [f"{count} {one if count == 1 else many}" for count, one, many in counts if count]
    return ", ".join(said) or "no rules"


def _say_left_out(leaving: Leaving) -> None:
    for name, reason in leaving.left_out.items():
        print(f"left out: {name}: {reason}", file=sys.stderr)


def _under_test(tests: TestFile, folder: Path, files: Sequence[str]) -> PromFile:
    if not files and not tests.rule_files:
        with closing(start(Role.TOOL)) as wiring, Session(read_only(wiring.db)) as session:
            return rulefile.leaving(session).file
    found = list(files)
    for pattern in () if files else tests.rule_files:
        matching = sorted(glob.glob(str(folder / pattern)))
        if not matching:
            raise RuleCodeError([Complaint(reason=f"no file matches {pattern}")])
        found += matching
    return PromFile(groups=tuple(_apart(group for file in found for group in _groups(file))))


def _groups(file: str) -> Sequence[PromGroup]:
    offer = offers.read(read(file), Defaults(owner="nobody", policy="none"))
    if offer.complaints:
        places = [replace(one, reason=f"{file}: {one.reason}") for one in offer.complaints]
        raise RuleCodeError(places)
    return rulefile.leaving_of([one.draft for one in offer.rules], offer.groups).file.groups


def _apart(groups: Iterable[PromGroup]) -> Iterable[PromGroup]:
    """Return groups of several files under names of their own."""
    names: set[str] = set()
    for group in groups:
        name, number = group.name, 1
        while name in names:
            number += 1
            name = f"{group.name} {number}"
        names.add(name)
        yield replace(group, name=name)


def _dialect(asked: str | None) -> promfile.Dialect:
    if asked:
        return DIALECTS[asked]
    try:
        return promtool.dialect(promtool.find())
    except PromtoolError:
        return PROMETHEUS_3
