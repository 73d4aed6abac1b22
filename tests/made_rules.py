"""Rule files as hypothesis makes them: any that promtool of Debian 12 accepts, and near misses."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alerts.rulecode.promfile import PromFile, PromGroup, PromRule

Made = TypeVar("Made")


def examples(strategy: st.SearchStrategy[Made], count: int) -> list[Made]:
    """Return the same `count` examples each time, to ask a slow oracle about all in one call."""
    found: list[Made] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Made) -> None:
        found.append(example)

    collect()
    return found


LABELS = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("__name__", "alertname")
)
METRICS = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,8}", fullmatch=True)
# What YAML, Go templates and PromQL each find special; no surrogates, which no file can hold.
_ODD_TEXTS = (
    """yes|null|~|1|1e3|0x1F|-|a: b|a #b|'|"|%|<<|@|é🎉| lead|trail |2020-01-01|{{ $value }}"""
)
_ODDER_TEXTS = ["", "\n", "line\nline", "end\n", "tab\t", "\x07\x85\u2028", "a\r\nb", "  \n a"]
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda t: "{{" not in t),
    st.sampled_from([*_ODD_TEXTS.split("|"), *_ODDER_TEXTS]),
    st.just("{{ $labels.job | toUpper }}: {{ printf `%.2f` $value }}"),
)
EXPRESSIONS = st.sampled_from(
    (
        "up",
        "sum by (job) (\n  rate(x[5m])\n) > 1",
        'm{a="b", c=~"d|e"} # why',
        'label_replace(up, "a", "$1", "job", "(.*)")',
        "vector(1)\n",
        "  absent(up{job='x'})",
        "nan",
    )
)
MILLISECONDS = st.one_of(
    st.integers(0, 10**7), st.integers(0, 400).map(lambda days: days * 86_400_000)
)
SPANS = MILLISECONDS.map(lambda ms: timedelta(milliseconds=ms))
SETS = st.dictionaries(LABELS, TEXTS, max_size=3)


@st.composite
def alert_rules(draw: Any) -> PromRule:
    return PromRule(
        alert=draw(TEXTS.filter(lambda text: text not in ("", "\n"))),
        expr=draw(EXPRESSIONS),
        hold=draw(SPANS),
        keep_firing=draw(SPANS),
        labels=draw(SETS),
        annotations=draw(SETS),
    )


RECORDINGS = st.builds(PromRule, record=METRICS, expr=EXPRESSIONS, labels=SETS)
RULES = st.one_of(alert_rules(), RECORDINGS)


@st.composite
def groups(draw: Any, name: str) -> PromGroup:
    return PromGroup(
        name=name,
        interval=draw(SPANS),
        limit=draw(st.integers(0, 1000)),
        rules=tuple(draw(st.lists(RULES, max_size=4))),
    )


@st.composite
def files(draw: Any) -> PromFile:
    names = draw(st.lists(TEXTS.filter(bool), max_size=3, unique=True))
    return PromFile(groups=tuple(draw(groups(name)) for name in names))


@cache
def some_files() -> list[PromFile]:
    """Return rule files enough to ask an oracle about in one call."""
    return examples(files(), 120)


# Values of fields as people write them, sound and not.
_ODD = st.sampled_from(
    ["5m", "1h30m", "0", "0s", "1d12h", "", "5", "5 m", "-5m", "1h1h", "1y", "1ms"]
)
_MOSTLY_SOUND = st.sampled_from(["a", "b", "c", "d", "e", "f", "g_1", "a b", "é", ""])
_FIELDS: Mapping[str, st.SearchStrategy[Any]] = {
    "for": _ODD,
    "keep_firing_for": _ODD,
    "labels": st.one_of(
        st.dictionaries(st.sampled_from(["a", "_b", "a-b", "1", "é", "__name__", ""]), TEXTS),
        st.sampled_from(
            [None, {"a": 1}, {"a": True}, {"a": 1.5}, {"a": None}, {"a": [1]}, [1], "x"]
        ),
    ),
    "annotations": st.one_of(
        st.dictionaries(st.sampled_from(["a", "b", "a-b"]), TEXTS | st.just("{{ nope }}")),
        st.sampled_from([None, {"a": "{{ end }}"}, {"a": "{{ $x }}"}, {"a": 7}]),
    ),
    "fro": st.just("5m"),
}


@st.composite
def near_misses(draw: Any) -> str:
    """Return a rule file's text that promtool may or may not accept: about half it does."""
    kind, name = draw(st.sampled_from(["alert", "alert", "record"])), draw(_MOSTLY_SOUND)
    rule: dict[str, Any] = {kind: name, "expr": draw(st.sampled_from(["up"] * 9 + [""]))}
    for field, values in _FIELDS.items():
        if draw(st.integers(0, 9)) < (1 if field == "fro" else 2):
            rule[field] = draw(values)
    group: dict[str, Any] = {"name": draw(_MOSTLY_SOUND), "rules": [rule]}
    if draw(st.integers(0, 4)) == 0:
        group["interval"] = draw(_ODD)
    if draw(st.integers(0, 4)) == 0:
        group["limit"] = draw(st.sampled_from([0, 5, -1, 1.0, "5", None]))
    twice = [group, {"name": "a", "rules": []}]
    found = twice if draw(st.integers(0, 9)) == 0 else [group]
    return yaml.safe_dump({"groups": found}, allow_unicode=draw(st.booleans()), sort_keys=False)
