"""From a parsed template and its data to text, by the rules of Go's text/template."""

from collections.abc import Mapping, Sequence

from alerts.rulecode.gotemplate.evaluation import LIMIT_STEPS, Evaluation
from alerts.rulecode.gotemplate.literals import encode, quote
from alerts.rulecode.gotemplate.nodes import (
    Action,
    Body,
    Branch,
    Include,
    Leave,
    Node,
    Parsed,
    Text,
)
from alerts.rulecode.gotemplate.printing import LIMIT_CHARACTERS, show
from alerts.rulecode.gotemplate.values import (
    Anything,
    Function,
    Root,
    Samples,
    Texts,
    Value,
    is_true,
)

LIMIT_INCLUDES = 30  # templates within templates; Go's limit is a hundred thousand


class _LeaveLoop(Exception):  # noqa: N818 - `break` and `continue`, not an error
    def __init__(self, keyword: str) -> None:
        self.keyword = keyword


def execute(parsed: Parsed, root: Root, functions: Mapping[str, Function]) -> str:
    """Return the text that the template makes of `root`.

    Raises:
        TemplateError: Something in it cannot be done, or it takes too long; in Go's words.
    """
    run = _Run(parsed, functions)
    run.enter(parsed.name, root)
    return "".join(run.out)


class _Run(Evaluation):
    def __init__(self, parsed: Parsed, functions: Mapping[str, Function]) -> None:
        super().__init__(parsed, functions)
        self.out: list[str] = []
        self.length = self.includes = 0

    def enter(self, name: str, dot: Value) -> None:
        outer, self.template = self.template, name
        variables, self.variables = self.variables, [("$", dot)]
        self.walk(dot, self.parsed.bodies[name])
        self.template, self.variables = outer, variables

    def write(self, text: str) -> None:
        self.out.append(text)
        self.length += len(text)
        if self.length > LIMIT_CHARACTERS:
            self.fail(f"longer than {LIMIT_CHARACTERS} characters")

    def walk(self, dot: Value, node: Node) -> None:
        if isinstance(node, Body):
            for each in node.nodes:
                self.walk(dot, each)
            return
        self.step(node)
        match node:
            case Text():
                self.write(node.text)
            case Action():
                value = self.pipeline(dot, node.pipe)
                if not node.pipe.declared:
                    self.node = node
                    self.write(show(value))
            case Branch(keyword="range"):
                self.loop(dot, node)
            case Branch():
                self.branch(dot, node)
            case Include():
                self.include(dot, node)
            case Leave():
                raise _LeaveLoop(node.keyword)
            case _:  # a tree has no other nodes
                self.fail(f"unknown node: {node}")

    def branch(self, dot: Value, node: Branch) -> None:
        known = len(self.variables)
        value = self.pipeline(dot, node.pipe)
        if is_true(value):
            self.walk(value if node.keyword == "with" else dot, node.body)
        elif node.otherwise is not None:
            self.walk(dot, node.otherwise)
        del self.variables[known:]

    def loop(self, dot: Value, node: Branch) -> None:
        known = len(self.variables)
        pairs = self.pairs(self.pipeline(dot, node.pipe))
        declared = [variable.names[0] for variable in node.pipe.declared]
        top = len(self.variables)
        for pair in pairs:
            for back, name in enumerate(reversed(declared), start=1):
                self.variables[top - back] = (name, pair[2 - back])
            try:
                self.walk(pair[1], node.body)
            except _LeaveLoop as left:
                if left.keyword == "break":
                    break
            del self.variables[top:]
        if not pairs and node.otherwise is not None:
            self.walk(dot, node.otherwise)
        del self.variables[known:]

    def pairs(self, value: Value) -> Sequence[tuple[Value, Value]]:
        """Return what `range` goes over, with the index or key of each."""
        if value is None:
            return []
        if isinstance(value, Texts | Anything):
            return sorted(value.items(), key=lambda item: encode(item[0]))
        if isinstance(value, Samples):
            return list(enumerate(value))
        if type(value) is int:
            if value > LIMIT_STEPS:
                self.fail(f"takes more than {LIMIT_STEPS} steps")
            return [(i, i) for i in range(value)]
        return self.fail(f"range can't iterate over {show(value)}")

    def include(self, dot: Value, node: Include) -> None:
        if node.name not in self.parsed.bodies:
            self.fail(f"template {quote(node.name)} not defined")
        if self.includes == LIMIT_INCLUDES:
            self.fail(f"exceeded maximum template depth ({LIMIT_INCLUDES})")
        value = None if node.pipe is None else self.pipeline(dot, node.pipe)
        self.includes += 1
        self.enter(node.name, value)
        self.includes -= 1
