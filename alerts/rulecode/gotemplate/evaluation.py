"""What pipelines, commands and their words come to, by the rules of Go's text/template."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from alerts.rulecode.gotemplate.expressions import TemplateError
from alerts.rulecode.gotemplate.literals import quote
from alerts.rulecode.gotemplate.nodes import (
    Bool,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Nil,
    Node,
    Numeral,
    Parsed,
    Pipe,
    Quoted,
    Variable,
)
from alerts.rulecode.gotemplate.times import methods
from alerts.rulecode.gotemplate.values import (
    NIL_INTERFACE,
    Anything,
    CallError,
    Function,
    Param,
    Root,
    Sample,
    Samples,
    Texts,
    Time,
    Value,
    is_true,
    type_of,
)

LIMIT_STEPS = 20_000
_ABSENT: Any = object()  # no value comes down the pipeline


class Evaluation:
    """One run of a template: where it is, and its variables."""

    def __init__(self, parsed: Parsed, functions: Mapping[str, Function]) -> None:
        self.parsed, self.functions = parsed, functions
        self.steps = 0
        self.template = parsed.name
        self.node: Node | None = None
        self.variables: list[tuple[str, Value]] = []

    def fail(self, reason: str) -> NoReturn:
        """Give up, for `reason`, at the node of the moment."""
        place = self.parsed.place(self.node) if self.node else self.parsed.name
        raise TemplateError(
            f"template: {place}: executing {quote(self.template)} at <{self.node}>: {reason}"
        )

    def step(self, node: Node) -> None:
        """Go to a node, and count it."""
        self.node = node
        self.steps += 1
        if self.steps > LIMIT_STEPS:
            self.fail(f"takes more than {LIMIT_STEPS} steps")

    def pipeline(self, dot: Value, pipe: Pipe) -> Value:
        """Return what the last command makes, once the variables have it."""
        self.step(pipe)
        value = _ABSENT
        for command in pipe.commands:
            value = self.command(dot, command, value)
        for variable in pipe.declared:
            name = variable.names[0]
            if pipe.assigns:
                self.variables[self.find(name)] = (name, value)
            else:
                self.variables.append((name, value))
        return value

    def find(self, name: str) -> int:
        """Return where the variable of that name lies."""
        for at in range(len(self.variables) - 1, -1, -1):
            if self.variables[at][0] == name:
                return at
        return self.fail(f"undefined variable: {name}")

    def command(self, dot: Value, command: Command, final: Value) -> Value:
        """Return what one command makes of its words and of `final`, which came down the pipe."""
        first, args = command.words[0], command.words[1:]
        match first:
            case Field() | Variable() | Chain():
                found = self.reference(dot, first, args, final)
                return None if found is NIL_INTERFACE else found
            case Identifier():
                self.node = first
                return self.call(dot, first.name, self.functions[first.name], command, args, final)
            case Pipe():
                self.no_arguments(command, final)
                return self.pipeline(dot, first)
            case _:
                self.node = first
                self.no_arguments(command, final)
                return self.constant(dot, first)

    def no_arguments(self, command: Command, final: Value) -> None:
        """Refuse arguments to what is no function."""
        if len(command.words) > 1 or final is not _ABSENT:
            self.fail(f"can't give argument to non-function {command.words[0]}")

    def constant(self, dot: Value, node: Node) -> Value:
        """Return what a word stands for by itself."""
        match node:
            case Bool():
                return node.value
            case Dot():
                return dot
            case Quoted():
                return node.text
            case Numeral():
                self.node = node
                if node.number.value is None:
                    self.fail(f"{node} overflows int")
                return node.number.value
            case _:
                return self.fail("nil is not a command")

    def reference(
        self, dot: Value, node: Field | Variable | Chain, args: Sequence[Node], final: Value
    ) -> Value:
        """Return a field, a variable or a field of either; the last may be a method."""
        self.node = node
        names = node.names
        if isinstance(node, Field):
            receiver = dot
        elif isinstance(node, Variable):
            receiver, names = self.variables[self.find(names[0])][1], names[1:]
            if not names:
                if args or final is not _ABSENT:
                    self.fail(f"can't give argument to non-function {node}")
                return receiver
        else:
            if isinstance(node.of, Nil):
                self.fail(f"indirection through explicit nil in {node}")
            receiver = self.argument(dot, Param.ANY, node.of)
        for name in names[:-1]:
            receiver = self.field(dot, name, node, (), _ABSENT, receiver)
        return self.field(dot, names[-1], node, args, final, receiver)

    def field(
        self,
        dot: Value,
        name: str,
        node: Node,
        args: Sequence[Node],
        final: Value,
        receiver: Value,
    ) -> Value:
        """Return the field of `receiver`, or what its method returns."""
        if receiver is None:
            return None
        if receiver is NIL_INTERFACE:
            self.fail(f"nil pointer evaluating interface {{}}.{name}")
        if isinstance(receiver, Time) and (method := methods(receiver).get(name)):
            return self.call(dot, name, method, node, args, final)
        given = bool(args) or final is not _ABSENT
        if isinstance(receiver, Texts | Anything):
            if given:
                self.fail(f"{name} is not a method but has arguments")
            found = receiver.get(name, "" if isinstance(receiver, Texts) else NIL_INTERFACE)
            return NIL_INTERFACE if found is None else found
        if isinstance(receiver, Root | Sample) and name in receiver.fields:
            if given:
                self.fail(f"{name} has arguments but cannot be invoked as function")
            return receiver.fields[name]
        return self.fail(f"can't evaluate field {name} in type {type_of(receiver)}")

    def call(
        self,
        dot: Value,
        name: str,
        function: Function,
        node: Node,
        args: Sequence[Node],
        final: Value,
    ) -> Value:
        """Return what a function makes of its arguments."""
        self.check_count(name, function, args, final)
        params = _params(function, len(args) + (final is not _ABSENT))
        if function.short_circuits_on is not None:
            return self.short_circuit(dot, function, args, final)
        values = [self.argument(dot, param, arg) for param, arg in zip(params, args, strict=False)]
        if final is not _ABSENT:
            values.append(self.checked(final, params[-1]))
        try:
            return function.call(*values)
        except CallError as error:
            self.node = node
            return self.fail(f"error calling {name}: {error}")

    def check_count(
        self, name: str, function: Function, args: Sequence[Node], final: Value
    ) -> None:
        """Refuse too few arguments or too many."""
        count = len(args) + (final is not _ABSENT)
        if function.variadic:
            least = len(function.params) - 1
            if count < least:
                self.fail(f"wrong number of args for {name}: want at least {least} got {len(args)}")
        elif count != len(function.params):
            self.fail(f"wrong number of args for {name}: want {len(function.params)} got {count}")

    def short_circuit(
        self, dot: Value, function: Function, args: Sequence[Node], final: Value
    ) -> Value:
        """Return the first argument that decides, or the last."""
        value: Value = None
        for arg in args:
            value = self.argument(dot, Param.VALUE, arg)
            if is_true(value) == function.short_circuits_on:
                return value
        return value if final is _ABSENT else final

    def argument(self, dot: Value, param: Param, node: Node) -> Value:
        """Return an argument, fit for `param`."""
        self.step(node)
        match node:
            case Dot():
                return self.checked(dot, param)
            case Nil():
                if not param.takes_nil:
                    self.fail(f"cannot assign nil to {param.value}")
                return Samples() if param is Param.SAMPLES else None
            case Field() | Variable() | Chain():
                return self.checked(self.reference(dot, node, (), _ABSENT), param)
            case Pipe():
                return self.checked(self.pipeline(dot, node), param)
            case Identifier():
                found = self.functions[node.name]
                return self.checked(self.call(dot, node.name, found, node, (), _ABSENT), param)
            case _:
                return self.literal(dot, param, node)

    def literal(self, dot: Value, param: Param, node: Node) -> Value:
        """Return a constant, fit for `param`."""
        if param is Param.STRING:
            if not isinstance(node, Quoted):
                self.fail(f"expected string; found {node}")
            return node.text
        if param in (Param.SAMPLES, Param.SAMPLE):
            self.fail(f"can't handle {node} for arg of type {param.value}")
        return self.constant(dot, node)

    def checked(self, value: Value, param: Param) -> Value:
        """Return `value`, fit for `param`."""
        if value is NIL_INTERFACE and not param.takes_nil:
            self.fail(f"wrong type for value; expected {param.value}; got interface {{}}")
        if value is None or value is NIL_INTERFACE:
            if not param.takes_nil:
                self.fail(f"invalid value; expected {param.value}")
            return Samples() if param is Param.SAMPLES else None
        if not param.fits(value):
            self.fail(f"wrong type for value; expected {param.value}; got {type_of(value)}")
        return value


def _params(function: Function, count: int) -> Sequence[Param]:
    """Return what each of `count` arguments has to be."""
    fixed = list(function.params[: len(function.params) - function.variadic])
    return fixed + [function.params[-1]] * (count - len(fixed)) if function.variadic else fixed
