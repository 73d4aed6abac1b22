"""What a template is made of. `str(node)` is what Go's error messages quote."""

from dataclasses import dataclass, field

from alerts.rulecode.gotemplate.literals import Number, quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Any part; `position` counts characters of the template's text."""

    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Node):
    """What stands between the actions."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bool(Node):
    """`true` or `false`."""

    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot(Node):
    """The cursor."""

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Nil(Node):
    """`nil`, without a type."""

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeral(Node):
    """A number."""

    number: Number

    def __str__(self) -> str:
        return self.number.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted(Node):
    """A string."""

    source: str  # with its quotes
    text: str

    def __str__(self) -> str:
        return self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier(Node):
    """The name of a function."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable(Node):
    """`$x`, or `$x.Field`."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Node):
    """`.A.B`."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain(Node):
    """`(pipeline).A.B`."""

    of: Node
    names: tuple[str, ...]

    def __str__(self) -> str:
        return _in_parens(self.of) + "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Node):
    """A word and its arguments."""

    words: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(map(_in_parens, self.words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipe(Node):
    """Commands that feed each other, and the variables that take the result."""

    line: int
    declared: tuple[Variable, ...] = ()
    assigns: bool = False  # `=`, not `:=`
    commands: tuple[Command, ...] = ()

    def __str__(self) -> str:
        names = ", ".join(map(str, self.declared))
        commands = " | ".join(map(str, self.commands))
        return f"{names} := {commands}" if names else commands


def _in_parens(node: Node) -> str:
    return f"({node})" if isinstance(node, Pipe) else str(node)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Node):
    """A pipeline whose value is printed, unless it declares variables."""

    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body(Node):
    """Nodes in a row."""

    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch(Node):
    """`if`, `with` or `range`, by `keyword`."""

    keyword: str
    pipe: Pipe
    body: Body
    otherwise: Body | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Node):
    """`break` or `continue`, by `keyword`."""

    keyword: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Include(Node):
    """`template "name" pipeline`."""

    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        argument = f" {self.pipe}" if self.pipe else ""
        return f"{{{{template {quote(self.name)}{argument}}}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Node):
    """`end` or `else`, which close a body; never part of a tree."""

    keyword: str

    def __str__(self) -> str:
        return f"{{{{{self.keyword}}}}}"


@dataclass(frozen=True, slots=True)
class Parsed:
    """The templates that one text defines, its own under its own name."""

    name: str
    text: str
    bodies: dict[str, Body] = field(default_factory=dict)

    def place(self, node: Node) -> str:
        """Return where `node` stands, as Go says it: name, line and byte in the line."""
        before = self.text[: node.position]
        line = before.count("\n") + 1
        column = len(before[before.rfind("\n") + 1 :].encode("utf-8", "surrogateescape"))
        return f"{self.name}:{line}:{column}"


def is_empty(node: Node) -> bool:
    """Say whether nothing but space stands in `node`."""
    if isinstance(node, Text):
        return not node.text.strip()
    return isinstance(node, Body) and all(map(is_empty, node.nodes))
