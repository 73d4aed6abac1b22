"""Pipelines: from tokens to commands and their words."""

from collections.abc import Container

from alerts.rulecode.gotemplate.literals import (
    Number,
    parse_number,
    quote,
    unquote,
    unquote_char,
)
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
    Pipe,
    Quoted,
    Variable,
)
from alerts.rulecode.gotemplate.tokens import Kind, Token, tokenize

LIMIT_DEPTH = 60  # of parentheses, ifs and ranges within each other
_CONSTANTS = (
    Kind.BOOL,
    Kind.CHAR_CONSTANT,
    Kind.COMPLEX,
    Kind.NUMBER,
    Kind.RAW_STRING,
    Kind.STRING,
)
_OPERANDS = frozenset(
    (*_CONSTANTS, Kind.DOT, Kind.FIELD, Kind.IDENTIFIER, Kind.VARIABLE, Kind.LEFT_PAREN)
)


class TemplateError(Exception):
    """The template cannot be read or rendered; the text is what Prometheus would log."""


class Cursor:
    """The tokens of a template, one after the other."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.tokens = tokenize(text)
        self.at = self.furthest = 0
        self.action_line = 0
        self.depth = 0

    def next(self) -> Token:
        """Take the next token, which may be a space."""
        token = self.peek()
        self.at += 1
        return token

    def peek(self) -> Token:
        """Return the next token; past the last it stays the last."""
        at = min(self.at, len(self.tokens) - 1)
        self.furthest = max(self.furthest, at)
        return self.tokens[at]

    def peek_word(self) -> Token:
        """Return the next token that is no space."""
        while (token := self.peek()).kind is Kind.SPACE:
            self.at += 1
        return token

    def next_word(self) -> Token:
        """Take the next token that is no space."""
        token = self.peek_word()
        self.at += 1
        return token

    def expect(self, kind: Kind, where: str) -> Token:
        """Take the next word, which has to be of `kind`."""
        token = self.next_word()
        if token.kind is not kind:
            raise self.unexpected(token, where)
        return token

    def error(self, reason: object) -> TemplateError:
        """Return `reason` with the line that was being read."""
        line = self.tokens[self.furthest].line
        return TemplateError(f"template: {self.name}:{line}: {reason}")

    def unexpected(self, token: Token, where: str) -> TemplateError:
        """Return that `token` has no place here."""
        if token.kind is not Kind.ERROR:
            return self.error(f"unexpected {token} in {where}")
        extra = ""
        if self.action_line and self.action_line != token.line:
            extra = f" in action started at {self.name}:{self.action_line}"
            if token.text.endswith(" action"):
                extra = extra.removeprefix(" in action")
        return self.error(f"{token}{extra}")

    def deeper(self) -> None:
        """Count one more level; whoever comes back counts it off."""
        self.depth += 1
        if self.depth > LIMIT_DEPTH:
            raise self.error(f"nested more than {LIMIT_DEPTH} deep")

    def unquoted(self, token: Token) -> str:
        """Return what a string token stands for."""
        try:
            return unquote(token.text)
        except ValueError as error:
            raise self.error(error) from error


class Expressions(Cursor):
    """What stands inside an action."""

    def __init__(self, name: str, text: str, functions: Container[str]) -> None:
        super().__init__(name, text)
        self.functions = functions
        self.variables = ["$"]

    def pipeline(self, where: str, end: Kind) -> Pipe:
        """Take commands up to `end`, and the variables that they set."""
        self.deeper()
        first = self.peek_word()
        declared, assigns = self.declarations(where)
        commands: list[Command] = []
        while (token := self.peek_word()).kind is not end:
            if not _begins_operand(token):
                self.at += 1
                raise self.unexpected(token, where)
            commands.append(self.command())
        self.at += 1
        self.check_pipeline(commands, where)
        self.depth -= 1
        return Pipe(
            position=first.position,
            line=first.line,
            declared=tuple(declared),
            assigns=assigns,
            commands=tuple(commands),
        )

    def declarations(self, where: str) -> tuple[list[Variable], bool]:
        """Take the variables before `:=` or `=`; the second result tells which."""
        declared: list[Variable] = []
        while (token := self.peek_word()).kind is Kind.VARIABLE:
            back = self.at
            self.at += 1
            after = self.peek_word()
            comma = after.kind is Kind.CHAR and after.text == ","
            if after.kind not in (Kind.ASSIGN, Kind.DECLARE) and not comma:
                self.at = back
                break
            self.at += 1
            declared.append(Variable(position=token.position, names=(token.text,)))
            self.variables.append(token.text)
            if not comma:
                return declared, after.kind is Kind.ASSIGN
            if where != "range" or len(declared) > 1:
                raise self.error(f"too many declarations in {where}")
            if self.peek_word().kind not in (Kind.VARIABLE, Kind.RIGHT, Kind.RIGHT_PAREN):
                raise self.error("range can only initialize variables")
        return declared, False

    def check_pipeline(self, commands: list[Command], where: str) -> None:
        """Refuse an empty pipeline, and a constant that is given a value."""
        if not commands:
            raise self.error(f"missing value for {where}")
        for stage, command in enumerate(commands[1:], start=2):
            if isinstance(command.words[0], Bool | Dot | Nil | Numeral | Quoted):
                raise self.error(f"non executable command in pipeline stage {stage}")

    def command(self) -> Command:
        """Take words up to a pipe or the end, which stays."""
        start, words = self.peek_word().position, []
        while True:
            self.peek_word()
            if (word := self.operand()) is not None:
                words.append(word)
            token = self.next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in (Kind.RIGHT, Kind.RIGHT_PAREN):
                self.at -= 1
            elif token.kind is not Kind.PIPE:
                raise self.unexpected(token, "operand")
            break
        if not words:
            raise self.error("empty command")
        return Command(position=start, words=tuple(words))

    def operand(self) -> Node | None:
        """Take a term with its fields; None if none begins here."""
        node = self.term()
        if node is None or self.peek().kind is not Kind.FIELD:
            return node
        at, names = self.peek().position, []
        while self.peek().kind is Kind.FIELD:
            names.append(self.next().text[1:])
        if isinstance(node, Field):
            return Field(position=at, names=(*node.names, *names))
        if isinstance(node, Variable):
            return Variable(position=at, names=(*node.names, *names))
        if isinstance(node, Bool | Quoted | Numeral | Nil | Dot):
            raise self.error(f"unexpected . after term {quote(str(node))}")
        return Chain(position=at, of=node, names=tuple(names))

    def term(self) -> Node | None:
        """Take a term; None if none begins here."""
        token = self.next_word()
        at = token.position
        match token.kind:
            case Kind.IDENTIFIER:
                if token.text not in self.functions:
                    raise self.error(f"function {quote(token.text)} not defined")
                return Identifier(position=at, name=token.text)
            case Kind.VARIABLE:
                if token.text not in self.variables:
                    raise self.error(f"undefined variable {quote(token.text)}")
                return Variable(position=at, names=(token.text,))
            case Kind.LEFT_PAREN:
                return self.pipeline("parenthesized pipeline", Kind.RIGHT_PAREN)
            case Kind.STRING | Kind.RAW_STRING:
                return Quoted(position=at, source=token.text, text=self.unquoted(token))
            case Kind.CHAR_CONSTANT | Kind.COMPLEX | Kind.NUMBER:
                return Numeral(position=at, number=self.number(token))
            case _:
                return self.plain(token)

    def plain(self, token: Token) -> Node | None:
        """Return the term of one token that needs no reading; None if it is none."""
        at = token.position
        match token.kind:
            case Kind.FIELD:
                return Field(position=at, names=(token.text[1:],))
            case Kind.DOT:
                return Dot(position=at)
            case Kind.BOOL:
                return Bool(position=at, value=token.text == "true")
            case Kind.KEYWORD if token.text == "nil":
                return Nil(position=at)
            case _:
                self.at -= 1
                return None

    def number(self, token: Token) -> Number:
        """Return the number that a token writes."""
        try:
            if token.kind is Kind.CHAR_CONSTANT:
                return Number(token.text, unquote_char(token.text))
            return parse_number(token.text)
        except ValueError as error:
            raise self.error(error) from error


def _begins_operand(token: Token) -> bool:
    return token.kind in _OPERANDS or (token.kind is Kind.KEYWORD and token.text == "nil")
