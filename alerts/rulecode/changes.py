"""What differs between two sets of rules, in words. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LIMIT_CHARACTERS = 200  # of one value in a sentence


class What(StrEnum):
    """What became of a rule."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENAMED = "renamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that is not what it was.

    Attributes:
        field: Its path, such as `condition.bound` or `labels.team`.
        before: None if it was not there.
        after: None if it is not there any more.
    """

    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.field}: {_shown(self.after)}, new"
        if self.after is None:
            return f"{self.field}: {_shown(self.before)}, gone"
        return f"{self.field}: {_shown(self.before)} -> {_shown(self.after)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one rule."""

    what: What
    name: str
    was: str = ""  # the name before, of a rule that is renamed
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        """Return it in words, one line for the rule and one for each field."""
        was = f" (was {self.was!r})" if self.was else ""
        lines = [f"{self.what} {self.name!r}{was}"]
        return "\n  ".join([*lines, *map(str, self.differences)])


def diff(
    old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]], *, key: str = "name"
) -> list[Change]:
    """Return what happened to each rule, by name; nothing for those that stayed as they were.

    Args:
        old: Rules as JSON has them, each with its name under `key`; names are unique.
        new: The same, as they are to be.
        key: The field that names a rule.

    A rule that is gone and one that is new are one that was renamed, if all else is the same.
    """
    before = {str(rule[key]): rule for rule in old}
    after = {str(rule[key]): rule for rule in new}
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    found = []
    for name in list(come):
        twin = next((n for n in gone if not differences(before[n], after[name], skip=key)), None)
        if twin is not None:
            gone.remove(twin)
            come.remove(name)
            found.append(Change(what=What.RENAMED, name=name, was=twin))
    found += [Change(what=What.ADDED, name=name) for name in come]
    found += [Change(what=What.REMOVED, name=name) for name in gone]
    for name in before.keys() & after.keys():
        fields = differences(before[name], after[name], skip=key)
        if fields:
            found.append(Change(what=What.CHANGED, name=name, differences=tuple(fields)))
    return sorted(found, key=lambda change: change.name)


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], *, skip: str = ""
) -> list[Difference]:
    """Return the fields of one rule that are not what they were, `skip` left out."""
    before = {field: value for field, value in _leaves(old, ()) if field != skip}
    after = {field: value for field, value in _leaves(new, ()) if field != skip}
    fields = [*before, *(field for field in after if field not in before)]
    return [
        Difference(field=field, before=before.get(field), after=after.get(field))
        for field in fields
        if before.get(field) != after.get(field)
    ]


def _leaves(value: Any, path: Sequence[str]) -> Iterable[tuple[str, Any]]:
    """Yield the values inside mappings, each with its path; empty ones are no values."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _leaves(each, (*path, str(name)))
    elif value not in (None, "", [], ()):
        yield ".".join(path), value


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        text = ", ".join(_shown(each) for each in value)
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= LIMIT_CHARACTERS else f"{text[:LIMIT_CHARACTERS]}…"
