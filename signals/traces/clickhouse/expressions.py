"""Our fields as SQL over the collector's `otel_traces`, by the one table of attributes.

Attributes are a `Map(String, String)`, or the type `JSON` where the exporter's feature gate is on;
a row says which. A status is spelled `Error` by newer exporters, `STATUS_CODE_ERROR` by older ones.

Source: https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/clickhouseexporter
"""

from collections.abc import Iterable
from dataclasses import dataclass

from signals.attribute_values import FALSE_WORDS, TRUE_WORDS, VERDICTS
from signals.attributes import ALIASES
from signals.otlp.meaning import KIND_KEYS, KINDS, LIMIT_WORDS, RETRIEVAL_KEYS, TIMEOUT_WORDS
from signals.traces import FILTERS
from signals.traces.costs import BILLABLE
from signals.traces.summaries import FAILURES

LIGHT = frozenset(
    key
    for key, (field, _) in ALIASES.items()
    if field not in ("input_text", "output_text", "input_parts", "output_parts")
) | {
    *KIND_KEYS,
    *RETRIEVAL_KEYS,
    "error.type",
    "exception.type",
    "http.response.status_code",
    "http.status_code",
    "http.request.method",
    "http.method",
    "http.route",
    "langfuse.observation.level",
}
ERROR = "StatusCode IN ('Error', 'STATUS_CODE_ERROR')"
OK = "StatusCode IN ('Ok', 'STATUS_CODE_OK')"
UNSET = "StatusCode IN ('Unset', 'STATUS_CODE_UNSET', '')"
ROOT = "ParentSpanId IN ('', '0000000000000000')"
END_NS = "toUnixTimestamp64Nano(Timestamp) + toInt64(Duration)"
START_NS = "toUnixTimestamp64Nano(Timestamp)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """How attributes are held.

    Attributes:
        is_json: As the type JSON, instead of Map.
    """

    is_json: bool = False

    def attribute(self, key: str, column: str = "SpanAttributes") -> str:
        """Return the text of an attribute, NULL where it is not there or empty."""
        if self.is_json:
            path = ".".join(map(_identifier, key.split(".")))
            return f"nullIf(toString({column}.{path}), '')"
        return f"nullIf({column}[{quoted(key)}], '')"

    def holds(self, key: str) -> bool:
        """Say whether SQL can name an attribute; the type JSON makes paths of dots."""
        return all(key.split(".")) if self.is_json else True

    def field(self, name: str) -> str:
        """Return a field of Span: the first of its aliases, the span's before the resource's."""
        keys = [key for key, (field, _) in ALIASES.items() if field == name]
        # Resources say who speaks, not what a call used: asking both for all takes twice as long.
        places = ("SpanAttributes", "ResourceAttributes")[: 2 if name in FILTERS else 1]
        found = [self.attribute(key, column) for column in places for key in keys]
        first = f"coalesce({', '.join(found)}, NULL)"
        if name == "model":
            return f"replaceRegexpOne({first}, '^.*models/', '')"
        return self._outcome(first) if name == "outcome" else first

    def number(self, name: str) -> str:
        """Return a field of Span as a number, NULL where it is none."""
        return f"toFloat64OrNull({self.field(name)})"

    def truth(self, name: str) -> str:
        """Return a field of Span as 1 or 0, NULL where it is neither."""
        word = f"lower({self.field(name)})"
        yes, no = words(TRUE_WORDS), words(FALSE_WORDS)
        return f"multiIf({word} IN ({yes}), 1, {word} IN ({no}), 0, NULL)"

    def failed(self) -> str:
        """Return whether a request failed, for its root's row."""
        outcome = self.field("outcome")
        return f"({ERROR} OR coalesce({outcome}, '') IN ({words(FAILURES)}))"

    def tokens(self) -> str:
        """Return the tokens of a span, in and out, NULL where it tells neither."""
        told, made = self.number("input_tokens"), self.number("output_tokens")
        return f"coalesce({told} + {made}, {told}, {made})"

    def points(self) -> str:
        """Return an evaluation's score in points, as `signals.attribute_values.as_points` does."""
        score, label = self.number("eval_score"), f"lower({self.field('eval_label')})"
        good = words(word for word, points in VERDICTS.items() if points)
        bad = words(word for word, points in VERDICTS.items() if not points)
        return (
            f"coalesce(multiIf({score} < 0 OR {score} > 100, NULL, {score} <= 1, {score} * 100, "
            f"{score}), multiIf({label} IN ({good}), 100., {label} IN ({bad}), 0., NULL))"
        )

    def is_paid(self) -> str:
        """Return whether a span is of a kind that buys something, by `kind_of` and `BILLABLE`."""
        bought = ", ".join(str(int(kind in BILLABLE)) for kind in KINDS.values())
        spelled = [
            f"nullIf(transform(lower(coalesce({self.attribute(key)}, '')), [{words(KINDS)}], "
            f"[{bought}], 2), 2)"
            for key in KIND_KEYS
        ]
        told = [self.field(name) for name in ("tool", "guardrail", "guardrail_triggered")]
        told += [self.attribute(key) for key in RETRIEVAL_KEYS]
        calls = ", ".join(self.field(name) for name in ("input_tokens", "provider"))
        is_call = f"{self.field('model')} IS NOT NULL AND coalesce({calls}) IS NOT NULL"
        guessed = f"coalesce({', '.join(told)}) IS NOT NULL OR ({is_call})"
        return f"coalesce({', '.join(spelled)}, toUInt8({guessed}))"

    def attributes(self, column: str, *, light: bool, beside: Iterable[str] = ()) -> str:
        """Return all attributes of a column.

        `light` leaves out prompts and what no field takes, but for those called as `beside`.
        """
        if self.is_json:
            return f"toJSONString({column})"
        if light:
            kept = sorted(LIGHT.union(beside))
            return f"mapFilter((k, v) -> k IN ({words(kept)}), {column})"
        return column

    def _outcome(self, explicit: str) -> str:
        """Return the rule of `signals.otlp.meaning.outcome_of`, but for the events' exceptions."""
        error = ", ".join(self.attribute(key) for key in ("error.type", "exception.type"))
        codes = ("http.response.status_code", "http.status_code")
        code = f"coalesce({', '.join(self.attribute(key) for key in codes)}, '')"
        word = f"lower(concat(coalesce({error}, ''), ' ', {code}))"
        wrong = f"({ERROR} OR coalesce({error}) IS NOT NULL OR {code} = '429' OR {code} LIKE '5%')"
        return (
            f"coalesce({explicit}, multiIf("
            f"NOT {wrong}, if({OK}, 'success', NULL), "
            f"{_any(word, ('429', *LIMIT_WORDS))}, 'rate_limited', "
            f"{code} IN ('408', '504') OR {_any(word, TIMEOUT_WORDS)}, 'timeout', 'error'))"
        )


def words(found: Iterable[str]) -> str:
    """Return words as a list of SQL texts."""
    return ", ".join(quoted(word) for word in found)


def quoted(text: str) -> str:
    """Return `text` as SQL writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(text: str) -> str:
    """Return `text` as SQL writes a name."""
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _any(word: str, needles: Iterable[str]) -> str:
    return f"multiSearchAny({word}, [{words(needles)}])"
