"""From a template's text to a tree per defined template, by the grammar of Go's text/template."""

from collections.abc import Container

from alerts.rulecode.gotemplate.expressions import Expressions, TemplateError
from alerts.rulecode.gotemplate.literals import quote
from alerts.rulecode.gotemplate.nodes import (
    Action,
    Body,
    Branch,
    End,
    Include,
    Leave,
    Node,
    Parsed,
    Text,
    is_empty,
)
from alerts.rulecode.gotemplate.tokens import Kind, Token

LIMIT_CHARACTERS = 65_536


def parse(name: str, text: str, *, functions: Container[str]) -> Parsed:
    """Return the templates in `text`, calling `functions` only.

    Raises:
        TemplateError: It is no template, too long or too deep; the message names the line.
    """
    if len(text) > LIMIT_CHARACTERS:
        raise TemplateError(f"template: {name}: longer than {LIMIT_CHARACTERS} characters")
    return _Parser(name, text, functions).parse()


class _Parser(Expressions):
    def __init__(self, name: str, text: str, functions: Container[str]) -> None:
        super().__init__(name, text, functions)
        self.parsed = Parsed(name, text)
        self.ranges = 0

    def parse(self) -> Parsed:
        start = self.peek().position
        nodes: list[Node] = []
        while self.peek().kind is not Kind.END_OF_TEXT:
            if self.is_definition():
                self.definition()
                continue
            node = self.text_or_action()
            if isinstance(node, End):
                raise self.error(f"unexpected {node}")
            nodes.append(node)
        self.add(self.parsed.name, Body(position=start, nodes=tuple(nodes)))
        return self.parsed

    def is_definition(self) -> bool:
        if self.peek().kind is not Kind.LEFT:
            return False
        back = self.at
        self.at += 1
        word = self.next_word()
        if word.kind is Kind.KEYWORD and word.text == "define":
            return True
        self.at = back
        return False

    def definition(self) -> None:
        where = "define clause"
        name = self.template_name(self.next_word(), where)
        self.expect(Kind.RIGHT, where)
        self.add(name, self.separate_body(where))

    def separate_body(self, where: str) -> Body:
        """Return the body of a template of its own, which sees none of our variables."""
        outer, self.variables = self.variables, ["$"]
        ranges, self.ranges = self.ranges, 0
        body, end = self.body()
        self.variables, self.ranges = outer, ranges
        if end.keyword != "end":
            raise self.error(f"unexpected {end} in {where}")
        return body

    def add(self, name: str, body: Body) -> None:
        there = self.parsed.bodies.get(name)
        if there is None or is_empty(there):
            self.parsed.bodies[name] = body
        elif not is_empty(body):
            raise self.error(f"template: multiple definition of template {quote(name)}")

    def body(self) -> tuple[Body, End]:
        start = self.peek_word().position
        nodes: list[Node] = []
        while self.peek_word().kind is not Kind.END_OF_TEXT:
            node = self.text_or_action()
            if isinstance(node, End):
                return Body(position=start, nodes=tuple(nodes)), node
            nodes.append(node)
        raise self.error("unexpected EOF")

    def text_or_action(self) -> Node:
        token = self.next_word()
        if token.kind is Kind.TEXT:
            return Text(position=token.position, text=token.text)
        if token.kind is not Kind.LEFT:
            raise self.unexpected(token, "input")
        self.action_line = token.line
        node = self.action()
        self.action_line = 0
        return node

    def action(self) -> Node:
        token = self.peek_word()
        if token.kind is Kind.KEYWORD and token.text not in ("nil", "define"):
            self.at += 1
            return self.keyword(token)
        pipe = self.pipeline("command", Kind.RIGHT)
        return Action(position=token.position, pipe=pipe)

    def keyword(self, token: Token) -> Node:
        match token.text:
            case "end":
                return End(position=self.expect(Kind.RIGHT, "end").position, keyword="end")
            case "else":
                return self.otherwise()
            case "template":
                return self.include()
            case "block":
                return self.block()
            case "break" | "continue":
                return self.leave(token)
            case _:
                return self.control(token.text)

    def leave(self, token: Token) -> Leave:
        shown = f"{{{{{token.text}}}}}"
        self.expect(Kind.RIGHT, shown)
        if not self.ranges:
            raise self.error(f"{shown} outside {{{{range}}}}")
        return Leave(position=token.position, keyword=token.text)

    def otherwise(self) -> End:
        token = self.peek_word()
        if not (token.kind is Kind.KEYWORD and token.text in ("if", "with")):
            token = self.expect(Kind.RIGHT, "else")
        return End(position=token.position, keyword="else")

    def control(self, keyword: str) -> Branch:
        known = len(self.variables)
        self.deeper()
        pipe = self.pipeline(keyword, Kind.RIGHT)
        self.ranges += keyword == "range"
        body, end = self.body()
        self.ranges -= keyword == "range"
        rest = None if end.keyword == "end" else self.else_branch(keyword, end)
        del self.variables[known:]
        self.depth -= 1
        return Branch(position=pipe.position, keyword=keyword, pipe=pipe, body=body, otherwise=rest)

    def else_branch(self, keyword: str, end: End) -> Body:
        token = self.peek()
        if token.kind is Kind.KEYWORD:  # `else if`, `else with`: one `end` closes both
            if token.text != keyword:
                raise self.unexpected(token, "input")
            self.at += 1
            return Body(position=end.position, nodes=(self.control(keyword),))
        body, end = self.body()
        if end.keyword != "end":
            raise self.error(f"expected end; found {end}")
        return body

    def block(self) -> Include:
        where, token = "block clause", self.next_word()
        name = self.template_name(token, where)
        pipe = self.pipeline(where, Kind.RIGHT)
        self.deeper()
        self.add(name, self.separate_body(where))
        self.depth -= 1
        return Include(position=token.position, name=name, pipe=pipe)

    def include(self) -> Include:
        where, token = "template clause", self.next_word()
        name, pipe = self.template_name(token, where), None
        if self.next_word().kind is not Kind.RIGHT:
            self.at -= 1
            pipe = self.pipeline(where, Kind.RIGHT)
        return Include(position=token.position, name=name, pipe=pipe)

    def template_name(self, token: Token, where: str) -> str:
        if token.kind not in (Kind.STRING, Kind.RAW_STRING):
            raise self.unexpected(token, where)
        return self.unquoted(token)
