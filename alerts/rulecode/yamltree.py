"""YAML with the line of every value, bounded in size, depth and what aliases expand to. Pure.

Values stay as they are written: what a plain `1` or `yes` means, its reader says.
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

from alerts.rulecode.complaints import Complaint, RuleCodeError

LIMIT_BYTES = 5_000_000
LIMIT_DEPTH = 50
LIMIT_VALUES = 500_000  # with every alias written out
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = ("", "~", "null", "Null", "NULL")
_NULL_TAG = "tag:yaml.org,2002:null"
_BINARY_TAG = "tag:yaml.org,2002:binary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A value without parts."""

    line: int
    text: str
    is_null: bool
    is_plain: bool  # neither quoted nor tagged: it may be a number
    weight: int = 1


@dataclass(slots=True, kw_only=True)
class Items:
    """A list."""

    line: int
    items: list["Tree"] = field(default_factory=list)
    weight: int = 1


@dataclass(slots=True, kw_only=True)
class Mapping:
    """Keys and values, as they stand: with `<<` and with a key that is there twice."""

    line: int
    pairs: list[tuple["Tree", "Tree"]] = field(default_factory=list)
    weight: int = 1


Tree = Scalar | Items | Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document; `root` is None if it is empty."""

    line: int
    root: Tree | None


def documents(text: str, *, most: int | None = None) -> list[Document]:
    """Return what a file holds, document by document; with `most` not looking beyond so many.

    Raises:
        RuleCodeError: It is no YAML, or more than can be taken; the complaint has the line.
    """
    if len(text) > LIMIT_BYTES or len(text.encode("utf-8", "replace")) > LIMIT_BYTES:
        megabytes = LIMIT_BYTES // 1_000_000
        raise _refusal(f"larger than {megabytes} MB, the most that is taken", None)
    try:
        return list(islice(_Composer(text).documents(), most))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "makes no sense"
        raise _refusal(f"not YAML: {problem}", mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, ValueError) as error:
        raise _refusal(f"not YAML: {' '.join(str(error).split())}", None) from error


def _refusal(reason: str, line: int | None) -> RuleCodeError:
    return RuleCodeError([Complaint(reason=reason, line=line)])


class _Composer:
    """Builds trees from events, without recursion: depth is counted, not suffered."""

    def __init__(self, text: str) -> None:
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self.anchors: dict[str, Tree] = {}
        self.open: list[Items | Mapping] = []
        self.keys: list[Tree | None] = []  # per open mapping, the key that waits for its value
        self.root: Tree | None = None

    def documents(self) -> Iterator[Document]:
        line = 1
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                line = _line(event)
                self.anchors, self.root = {}, None
            elif isinstance(event, yaml.DocumentEndEvent):
                yield Document(line=line, root=self.root)
            else:
                self.take(event)

    def take(self, event: Any) -> None:
        match event:
            case yaml.SequenceStartEvent():
                self.begin(Items(line=_line(event)), event.anchor)
            case yaml.MappingStartEvent():
                self.begin(Mapping(line=_line(event)), event.anchor)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self.keys.pop()
                self.place(self.open.pop())
            case yaml.ScalarEvent():
                scalar = _scalar(event)
                if event.anchor:
                    self.anchors[event.anchor] = scalar
                self.place(scalar)
            case yaml.AliasEvent():
                self.place(self.aliased(event))
            case _:
                pass  # where the stream begins and ends

    def begin(self, node: Items | Mapping, anchor: str | None) -> None:
        if len(self.open) >= LIMIT_DEPTH:
            raise _refusal(f"nested more than {LIMIT_DEPTH} deep", node.line)
        if anchor:
            self.anchors[anchor] = node
        self.open.append(node)
        self.keys.append(None)

    def aliased(self, event: Any) -> Tree:
        line = _line(event)
        found = self.anchors.get(event.anchor)
        if found is None:
            raise _refusal(f"not YAML: unknown anchor {event.anchor!r}", line)
        if any(found is node for node in self.open):
            raise _refusal(f"anchor {event.anchor!r} contains itself", line)
        return found

    def place(self, node: Tree) -> None:
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.weight += node.weight
        if parent.weight > LIMIT_VALUES:
            raise _refusal(f"more than {LIMIT_VALUES:,} values, aliases written out", parent.line)
        if isinstance(parent, Items):
            parent.items.append(node)
        elif (key := self.keys[-1]) is None:
            self.keys[-1] = node
        else:
            parent.pairs.append((key, node))
            self.keys[-1] = None


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(event: Any) -> Scalar:
    line, text = _line(event), event.value
    plain = event.style in (None, "") and event.implicit[0]
    is_null = (plain and text in _NULLS) or event.tag == _NULL_TAG
    if event.tag == _BINARY_TAG:
        try:
            text = base64.b64decode(text, validate=False).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise _refusal("not YAML: !!binary that is no text", line) from error
    return Scalar(line=line, text=text, is_null=is_null, is_plain=plain)


def merged(mapping: Mapping) -> tuple[list[tuple[Scalar, Tree]], list[Complaint]]:
    """Return a mapping's keys and values with `<<` filled in, and what is wrong with its keys."""
    found: dict[str, tuple[Scalar, Tree]] = {}
    complaints: list[Complaint] = []
    sources: list[Tree] = []
    for key, value in mapping.pairs:
        if not isinstance(key, Scalar):
            complaints.append(Complaint(reason="a key must be a text", line=key.line))
        elif key.text == "<<" and key.is_plain:
            sources += value.items if isinstance(value, Items) else [value]
        elif key.text in found:
            first = found[key.text][0].line
            reason = f"{key.text!r} is there twice: first on line {first}"
            complaints.append(Complaint(reason=reason, line=key.line))
        else:
            found[key.text] = (key, value)
    _fill(found, sources, complaints)
    return list(found.values()), complaints


def _fill(
    found: dict[str, tuple[Scalar, Tree]], sources: Sequence[Tree], complaints: list[Complaint]
) -> None:
    for source in sources:
        if not isinstance(source, Mapping):
            complaints.append(Complaint(reason="`<<` needs a mapping", line=source.line))
            continue
        pairs, wrong = merged(source)
        complaints += wrong
        for key, value in pairs:
            found.setdefault(key.text, (key, value))


def line_at(root: Tree | None, path: Sequence[str | int]) -> int | None:
    """Return the line of what `path` leads to, or of the last of it that is there."""
    node, line = root, None if root is None else root.line
    for step in path:
        if isinstance(node, Mapping):
            pair = next((p for p in merged(node)[0] if p[0].text == step), None)
            if pair is not None:
                line, node = pair[0].line, pair[1]
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
    return line


def doubled(root: Tree | None) -> Iterator[Complaint]:
    """Yield a complaint about each key that is there twice: the first would be lost."""
    left: list[Tree] = [root] if root is not None else []
    seen: set[int] = set()
    while left:
        node = left.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, Mapping):
            pairs, complaints = merged(node)
            yield from complaints
            left += [value for _, value in pairs]
        elif isinstance(node, Items):
            left += node.items


def kind(node: Tree) -> str:
    """Return what a node is, in words."""
    if isinstance(node, Scalar):
        return "nothing" if node.is_null else "a single value"
    return "a list" if isinstance(node, Items) else "a mapping"
