"""From a template's text to tokens, by the rules of Go's text/template."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from alerts.rulecode.gotemplate.literals import quote

SPACES = " \t\r\n"
_LEFT, _RIGHT = "{{", "}}"
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"', re.DOTALL)
_CHAR = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'", re.DOTALL)


class Kind(Enum):
    """What a token is."""

    ERROR = auto()  # its text is what is wrong
    TEXT = auto()
    LEFT = auto()
    RIGHT = auto()
    SPACE = auto()
    BOOL = auto()
    CHAR = auto()  # a character that stands for itself, such as a comma
    CHAR_CONSTANT = auto()
    COMPLEX = auto()
    NUMBER = auto()
    STRING = auto()  # with its quotes, as both kinds below
    RAW_STRING = auto()
    FIELD = auto()
    VARIABLE = auto()
    IDENTIFIER = auto()
    ASSIGN = auto()
    DECLARE = auto()
    PIPE = auto()
    LEFT_PAREN = auto()
    RIGHT_PAREN = auto()
    DOT = auto()
    KEYWORD = auto()
    END_OF_TEXT = auto()


_CONTROL = ("block", "break", "continue", "else", "end", "if", "range", "with")
KEYWORDS = frozenset((*_CONTROL, "define", "nil", "template"))


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the template; `position` counts characters, `line` from 1."""

    kind: Kind
    text: str
    position: int
    line: int

    def __str__(self) -> str:
        """Return the token as Go's error messages name it."""
        if self.kind is Kind.END_OF_TEXT:
            return "EOF"
        if self.kind is Kind.ERROR:
            return self.text
        if self.kind in (Kind.KEYWORD, Kind.DOT):
            return f"<{self.text}>"
        shown = quote(self.text[:10])
        return f"{shown}..." if len(self.text.encode("utf-8", "replace")) > 10 else shown


def unicode_name(char: str) -> str:
    """Return a character as Go's `%#U` writes it: `U+0021 '!'`."""
    code = f"U+{ord(char):04X}" if char else "U+FFFFFFFFFFFFFFFF"
    return f"{code} '{char}'" if char and char.isprintable() else code


def is_word(char: str) -> bool:
    """Say whether `char` may stand in an identifier."""
    return char == "_" or char.isalpha() or char.isdecimal()


def tokenize(text: str) -> list[Token]:
    """Return the tokens of `text`; the last is END_OF_TEXT, or ERROR where it makes no sense."""
    lexer = _Lexer(text)
    try:
        lexer.run()
    except _LexError as error:
        lexer.emit_error(str(error))
    return lexer.tokens


class _LexError(Exception):
    pass


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.start = self.position = 0
        self.line = 1
        self.depth = 0

    def emit(self, kind: Kind, end: int) -> None:
        self.tokens.append(Token(kind, self.text[self.start : end], self.start, self.line))
        self.skip(end)

    def emit_error(self, reason: str) -> None:
        self.tokens.append(Token(Kind.ERROR, reason, self.start, self.line))

    def skip(self, end: int) -> None:
        self.line += self.text.count("\n", self.start, end)
        self.start = self.position = end

    def run(self) -> None:
        while (found := self.text.find(_LEFT, self.position)) >= 0:
            marked = self._trims_left(found + 2)
            end = found
            if marked:
                end = self.start + len(self.text[self.start : found].rstrip(SPACES))
            if end > self.start:
                self.emit(Kind.TEXT, end)
            self.skip(found)
            after = found + (4 if marked else 2)
            if self.text.startswith("/*", after):
                self.skip(after)
                self._comment()
            else:
                self.emit(Kind.LEFT, found + 2)
                self.skip(after if marked else found + 2)
                self._action()
        if self.start < len(self.text):
            self.emit(Kind.TEXT, len(self.text))
        self.emit(Kind.END_OF_TEXT, len(self.text))

    def _trims_left(self, at: int) -> bool:
        return self.text.startswith("-", at) and self.text[at + 1 : at + 2] in (*SPACES,)

    def _at_right(self, at: int) -> tuple[bool, bool]:
        """Return whether the action ends at `at`, and whether it trims what follows."""
        if self.text[at : at + 1] in (*SPACES,) and self.text.startswith("-}}", at + 1):
            return True, True
        return self.text.startswith(_RIGHT, at), False

    def _comment(self) -> None:
        end = self.text.find("*/", self.start + 2)
        if end < 0:
            raise _LexError("unclosed comment")
        closed, trims = self._at_right(end + 2)
        if not closed:
            raise _LexError("comment ends before closing delimiter")
        self.skip(self._after_right(end + 2, trims))

    def _after_right(self, at: int, trims: bool) -> int:
        end = at + (4 if trims else 2)
        if trims:
            rest = self.text[end:]
            end += len(rest) - len(rest.lstrip(SPACES))
        return end

    def _action(self) -> None:
        self.depth = 0
        while True:
            closed, trims = self._at_right(self.position)
            if closed and self.depth == 0:
                at = self.position
                if trims:
                    self.skip(at + 2)
                self.emit(Kind.RIGHT, self.start + 2)
                self.skip(self._after_right(at, trims))
                return
            if closed:
                raise _LexError("unclosed left paren")
            self._inside()

    def _inside(self) -> None:
        at, text = self.position, self.text
        char = text[at : at + 1]
        if not char:
            raise _LexError("unclosed action")
        if char in SPACES:
            self._space()
        elif char == ":":
            if not text.startswith(":=", at):
                raise _LexError("expected :=")
            self.emit(Kind.DECLARE, at + 2)
        elif char in _SINGLE:
            self._single(char)
        elif char == '"':
            self._match(_QUOTED, Kind.STRING, "unterminated quoted string")
        elif char == "'":
            self._match(_CHAR, Kind.CHAR_CONSTANT, "unterminated character constant")
        elif char == "`":
            end = text.find("`", at + 1)
            if end < 0:
                raise _LexError("unterminated raw quoted string")
            self.emit(Kind.RAW_STRING, end + 1)
        else:
            self._word(char)

    def _word(self, char: str) -> None:
        at = self.position
        after = self.text[at + 1 : at + 2]
        if char == "$" or (char == "." and after and not _is_digit(after)):
            self._name(Kind.VARIABLE if char == "$" else Kind.FIELD)
        elif char in "+-." or _is_digit(char):
            self._number()
        elif is_word(char):
            self._identifier()
        elif char.isascii() and char.isprintable():
            self.emit(Kind.CHAR, at + 1)
        else:
            raise _LexError(f"unrecognized character in action: {unicode_name(char)}")

    def _single(self, char: str) -> None:
        self.emit(_SINGLE[char], self.position + 1)
        self.depth += (char == "(") - (char == ")")
        if self.depth < 0:
            raise _LexError(f"unexpected right paren {unicode_name(char)}")

    def _match(self, pattern: re.Pattern[str], kind: Kind, complaint: str) -> None:
        found = pattern.match(self.text, self.position)
        if found is None:
            raise _LexError(complaint)
        self.emit(kind, found.end())

    def _space(self) -> None:
        end = self.position
        while self.text[end : end + 1] in (*SPACES,):
            end += 1
        if self._at_right(end - 1)[1]:  # the last space belongs to ` -}}`
            end -= 1
        if end > self.position:
            self.emit(Kind.SPACE, end)

    def _name(self, kind: Kind) -> None:
        end = self.position + 1
        while is_word(self.text[end : end + 1]):
            end += 1
        if end == self.position + 1 and self._ends_word(end):
            self.emit(Kind.VARIABLE if kind is Kind.VARIABLE else Kind.DOT, end)
            return
        self._check_end(end)
        self.emit(kind, end)

    def _identifier(self) -> None:
        end = self.position
        while is_word(self.text[end : end + 1]):
            end += 1
        self._check_end(end)
        word = self.text[self.position : end]
        kind = Kind.IDENTIFIER
        if word in KEYWORDS:
            kind = Kind.KEYWORD
        elif word in ("true", "false"):
            kind = Kind.BOOL
        self.emit(kind, end)

    def _check_end(self, end: int) -> None:
        if not self._ends_word(end):
            raise _LexError(f"bad character {unicode_name(self.text[end : end + 1])}")

    def _ends_word(self, at: int) -> bool:
        char = self.text[at : at + 1]
        return not char or char in SPACES or char in ".,|:)(" or self.text.startswith(_RIGHT, at)

    def _number(self) -> None:
        end = self._scan(self.position)
        if self.text[end : end + 1] in ("+", "-"):
            end = self._scan(end)
            if self.text[end - 1] != "i":
                raise _LexError(f"bad number syntax: {quote(self.text[self.position : end])}")
            self.emit(Kind.COMPLEX, end)
        else:
            self.emit(Kind.NUMBER, end)

    def _scan(self, at: int) -> int:
        found = _NUMBER.match(self.text, at)
        end = found.end() if found else at
        if is_word(self.text[end : end + 1]):
            shown = quote(self.text[self.position : end + 1])
            raise _LexError(f"bad number syntax: {shown}")
        return end


_SINGLE = {
    "=": Kind.ASSIGN,
    "|": Kind.PIPE,
    "(": Kind.LEFT_PAREN,
    ")": Kind.RIGHT_PAREN,
}


def _is_digit(char: str) -> bool:
    return char != "" and char in "0123456789"
