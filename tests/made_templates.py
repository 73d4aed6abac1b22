"""Templates by chance, the same for the same seed: most can be rendered, some are broken."""

from collections.abc import Sequence
from random import Random


def words(text: str, between: str = "|") -> list[str]:
    return text.split(between)


NUMBERS = words(r"0|1|-1|42|1.5|-0.25|1e3|1e-7|123456.789|0x1F|1_000|010|'a'|'\n'|'é'|3.0|+5")
TEXTS = words(
    r'"a"|""|"aB cd"|"é🎉"|`raw\n`|"tab\t\"q\""|"10"|"-1.5"|"1e400"|"host.example.com:9090"'
    r'|"[::1]:80"|"\x41\u00e9\xff"|"its foo_bar-baz"|"<b>&"|"1h30m"|"NaN"|"+Inf"|"0x1p4"|"x/z?=&"'
)
FIELDS = words(
    ".|.Labels|.Labels.job|.Value|$|$labels|$labels.instance|$value|$externalLabels.dc|$labels.nope"
    "|.Nope|$externalURL|.ExternalLabels|$labels.job.x|.Value.x|$.Labels.job|nil|true|false"
)
VERBS = words(
    "v|s|d|q|x|X|f|.2f|.3g|e|g|t|T|5d|05d|-5d|+|d|%|c|U|#v|+v|#x|6.2f|.4s|10s|-10s|G|E|08.3f|+.1f"
    "|#q|+q|b|o|O|#o|[1]d|[2]v|*d|.*f|5%|!|z|.0f|.0g|#g|#.3f|.10g| d|% x"
)
ONE = words(
    "len|not|html|js|print|humanize|humanize1024|humanizeDuration|humanizePercentage|toUpper"
    "|humanizeTimestamp|title|toLower|safeHtml|parseDuration|stripPort|stripDomain|graphLink"
    "|tableLink|first|value|strvalue|call|urlquery"
)
TWO = words("eq|ne|lt|le|gt|ge|and|or|index|print|println|args")
CALLS = words(
    r"""first (query "up")
value (first (query "up"))
label "job" (query "up" | first)
sortByLabel "job" (query "up") | first
match "a+" "aa"
match "(" "a"
match "(?i)UP" $labels.job
slice "abcdef" 1 3
slice "abc" 4
index "abc" 1
index $labels "job"
reReplaceAll "(a)(b)?" "<$1$2>" "abac"
reReplaceAll "x*" "-" "axb"
reReplaceAll "a**" "" "a"
reReplaceAll "(?P<n>[.:])" "${n}!" $labels.instance
reReplaceAll "o" "$0$$$x" "foo"
(1435065584.128 | toTime).Format "2006-01-02"
(toTime 0).Year
printf "%s"
range
end""",
    "\n",
)
PIPES = words(
    'humanize|toUpper|title|len|html|print|not|js|eq 1|printf "%q"|printf "%.2f"|stripPort'
)
RANGES = words('$labels|query "up"|$externalLabels|nil|$value|"text"|true|.Nope')


class Maker:
    """Makes templates; a template is never longer than a screen."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def template(self) -> str:
        text = self.text(2)
        if self.random.random() < 0.2:
            at = self.random.randrange(len(text) + 1)
            odd = self.random.choice("{}()|.$\"'-:=, `%\\\nxé0/*&")
            text = self.random.choice([text[:at] + odd + text[at:], text[:at] + text[at + 1 :]])
        return text

    def one_of(self, choices: Sequence[str]) -> str:
        return self.random.choice(choices)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def text(self, depth: int) -> str:
        parts = [self.one_of(["", " ", "plain ", "é\n  ", "}} "]) + self.action(depth)]
        while self.chance(0.4):
            parts.append(self.one_of(["", "x "]) + self.action(depth))
        return "".join(parts) + self.one_of(["", " end", "\n"])

    def action(self, depth: int) -> str:
        left, right = self.one_of(["{{ ", "{{", "{{- "]), self.one_of([" }}", "}}", " -}}"])
        if depth == 0 or self.chance(0.6):
            names = self.one_of(["", "", "", "", "$a := ", "$a = "])
            return left + names + self.pipe(2) + right
        inner, end = self.text(depth - 1), f"{left}end{right}"
        if self.chance(0.4):
            other = f"{left}else if {self.pipe(1)}{right}x{left}else{right}y"
            rest = self.one_of(["", other, f"{left}else{right}no"])
            return f"{left}if {self.pipe(1)}{right}{inner}{rest}{end}"
        if self.chance(0.4):
            rest = self.one_of(["", f"{left}else{right}{self.text(0)}"])
            return (
                f"{left}with {self.one_of(['', '$w := '])}{self.pipe(1)}{right}{inner}{rest}{end}"
            )
        if self.chance(0.7):
            names = self.one_of(["", "$e := ", "$i, $e := "])
            leave = self.one_of(["", "{{ . }}", "{{ break }}", "{{ continue }}", "{{ $e }}"])
            over = self.one_of(RANGES)
            return f"{left}range {names}{over}{right}{leave}{inner}{left}else{right}none{end}"
        given = self.one_of(["", ".", "$labels", '(args 1 "x")'])
        return f'{{{{ define "t" }}}}{inner}{{{{ end }}}}{{{{ template "t" {given} }}}}'

    def pipe(self, depth: int) -> str:
        parts = [self.call(depth) if self.chance(0.6) else self.argument(depth)]
        while self.chance(0.4):
            parts.append(self.one_of(PIPES))
        return self.one_of([" | ", "|"]).join(parts)

    def call(self, depth: int) -> str:
        if self.chance(0.3):
            return self.one_of(CALLS)
        if self.chance(0.3):
            count = self.random.randint(0, 3)
            verbs = "".join(f"{self.one_of('a-b')}%{self.one_of(VERBS)}" for _ in range(count))
            given = " ".join(self.argument(depth) for _ in range(self.random.randint(0, 3)))
            return f'printf "{verbs}" {given}'.strip()
        if self.chance(0.6):
            return f"{self.one_of(ONE)} {self.argument(depth)}"
        return f"{self.one_of(TWO)} {self.argument(depth)} {self.argument(depth)}"

    def argument(self, depth: int) -> str:
        if depth > 0 and self.chance(0.2):
            return f"({self.pipe(depth - 1)})" + self.one_of(
                ["", "", "", ".Labels", ".Value", ".x"]
            )
        return self.one_of(self.random.choice([NUMBERS, TEXTS, FIELDS]))
