"""Fields of known names and types out of a YAML tree, with a complaint for every other. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches

from alerts import durations
from alerts.rulecode.complaints import Complaint
from alerts.rulecode.yamltree import Items, Mapping, Scalar, Tree, kind, merged

LIMIT_COMPLAINTS = 100
Fields = dict[str, Tree]


@dataclass(slots=True)
class Reader:
    """Takes what it can and remembers what is wrong, with the group and rule it is in."""

    complaints: list[Complaint] = field(default_factory=list)
    group: str = ""
    rule: str = ""
    number: int | None = None
    wrong: int = 0  # how many things, also those beyond the limit

    def complain(self, reason: str, line: int | None) -> None:
        """Remember one thing that is wrong."""
        self.wrong += 1
        if len(self.complaints) < LIMIT_COMPLAINTS:
            self.complaints.append(
                Complaint(
                    reason=reason,
                    line=line,
                    group=self.group,
                    rule=self.rule,
                    number=self.number,
                )
            )

    def fields(self, node: Tree | None, known: Collection[str], what: str) -> Fields:
        """Return a mapping's fields, those without a value left out."""
        if node is None or (isinstance(node, Scalar) and node.is_null):
            return {}
        if not isinstance(node, Mapping):
            self.complain(f"{what} must be a mapping, not {kind(node)}", node.line)
            return {}
        found: Fields = {}
        pairs, complaints = merged(node)
        for complaint in complaints:
            self.complain(complaint.reason, complaint.line)
        for key, value in pairs:
            if known and key.text not in known:
                close = get_close_matches(key.text, known, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                self.complain(f"{what} has no field {key.text!r}{hint}", key.line)
            elif not (isinstance(value, Scalar) and value.is_null):
                found[key.text] = value
        return found

    @staticmethod
    def peek(node: Tree, *names: str) -> str:
        """Return the first of some texts that is there, whatever is wrong with the rest."""
        pairs = merged(node)[0] if isinstance(node, Mapping) else []
        found = {key.text: value.text for key, value in pairs if isinstance(value, Scalar)}
        return next((found[name] for name in names if found.get(name)), "")

    def items(self, node: Tree | None, what: str) -> Sequence[Tree]:
        """Return a list's elements, those without a value left out."""
        if node is None or (isinstance(node, Scalar) and node.is_null):
            return ()
        if not isinstance(node, Items):
            self.complain(f"{what} must be a list, not {kind(node)}", node.line)
            return ()
        return [each for each in node.items if not (isinstance(each, Scalar) and each.is_null)]

    def text(self, fields: Fields, name: str) -> str:
        """Return a text, empty if it is not there."""
        node = fields.get(name)
        if node is None:
            return ""
        if not isinstance(node, Scalar):
            self.complain(f"{name!r} must be a text, not {kind(node)}", node.line)
            return ""
        return node.text

    def texts(self, fields: Fields, name: str) -> dict[str, str]:
        """Return a mapping of texts, empty if it is not there."""
        found = {}
        for key, node in self.pairs(fields.get(name), name):
            if isinstance(node, Scalar):
                found[key.text] = "" if node.is_null else node.text
            else:
                self.complain(f"{key.text!r} must be a text, not {kind(node)}", node.line)
        return found

    def pairs(self, node: Tree | None, name: str) -> Sequence[tuple[Scalar, Tree]]:
        """Return a mapping's keys and values, whatever the keys."""
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            self.complain(f"{name!r} must be a mapping, not {kind(node)}", node.line)
            return ()
        pairs, complaints = merged(node)
        for complaint in complaints:
            self.complain(complaint.reason, complaint.line)
        return pairs

    def duration(self, fields: Fields, name: str) -> timedelta | None:
        """Return a duration, None if it is not there."""
        if name not in fields:
            return None
        try:
            return durations.parse(self.text(fields, name))
        except ValueError as error:
            self.complain(f"{name!r}: {error}", fields[name].line)
            return None

    def number_of(self, fields: Fields, name: str) -> float | None:
        """Return a number, None if it is not there."""
        node = fields.get(name)
        if node is None:
            return None
        try:
            if isinstance(node, Scalar) and node.is_plain:
                return float(node.text)
        except ValueError:
            pass
        self.complain(f"{name!r} must be a number", node.line)
        return None

    def truth(self, fields: Fields, name: str) -> bool:
        """Return whether a switch is on; off if it is not there."""
        node = fields.get(name)
        if node is None:
            return False
        if isinstance(node, Scalar) and node.is_plain and node.text.lower() in ("true", "false"):
            return node.text.lower() == "true"
        self.complain(f"{name!r} must be true or false", node.line)
        return False
