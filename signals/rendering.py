"""PromQL for a golden signal, from the form that a pack gives it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from signals import Query
from signals.packs import Form, Gauge, Mean, Quantile, Rate, Ratio, Term
from signals.promql import Asked, duration, label_name, quote, seconds_of, selector
from signals.terms import Bound, Column

_NOTHING = "(vector(0) > 0)"
ALL_VALUES = Term(metric=("of the quantile",))
_TERM = "__term__"  # keeps apart what is added up, where nothing else does


# Writes what is asked of the samples that a selector selects, such as their rate; the second
# selects what says when they were created, and is empty where nothing does.
Write = Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One question being written.

    Attributes:
        form: What is computed.
        bound: Its terms, each under every name that the server has for its metric.
        query: The question.
        grown: Whether no counter is younger than the window, as far as is known.
    """

    form: Form
    bound: Mapping[Term, tuple[Bound, ...]]
    query: Query
    grown: bool

    def write(self) -> Asked:
        """Return the expression that answers the question."""
        form = self.form
        match form:
            case Quantile():
                (term,) = form.terms
                buckets = self._sum((term,), "bucket", more=("le",))
                promql = f"histogram_quantile({form.q}, {buckets}){self._scaled(form.terms)}"
            case Rate(form="total"):
                promql = self.counted(form.of, "")
            case Rate():
                promql = self._sum(form.of)
            case Ratio():
                promql = self._ratio(form)
            case Mean():
                promql = self._mean(form)
            case Gauge():
                promql = self._aggregated("max", form.terms, "count", self._last)
        renamed = {stack: ours for ours, stack in self._columns().items() if stack != ours}
        return Asked(promql=promql, renamed=renamed)

    @property
    def _window(self) -> str:
        return duration(seconds_of(self.query))

    def counted(self, terms: Sequence[Term], part: str, more: Sequence[str] = ()) -> str:
        """Return PromQL for how many events the window has."""
        return f"{self._sum(terms, part, more)} * {seconds_of(self.query)}"

    def facts(self) -> str:
        """Return PromQL for what the series say of themselves."""
        form = self.form
        if isinstance(form, Quantile):
            return self._all_values(form.terms[0])._facts((ALL_VALUES,), "bucket")
        return self._facts(form.whole if isinstance(form, Ratio) else form.terms, "count")

    def _facts(self, terms: Sequence[Term], part: str) -> str:
        found = {
            "seen": self._aggregated("count", terms, part, self._present),
            "alive": self._aggregated("count", terms, part, self._last),
            "newest": self._newest(terms, part),
        }
        if not isinstance(self.form, Gauge):
            found["n"] = self.counted(terms, part)
            found["resets"] = self._aggregated("sum", terms, part, self._began_anew)
        return " or ".join(f'label_replace({q}, "fact", "{f}", "", "")' for f, q in found.items())

    def _all_values(self, term: Term) -> "Writer":
        """Return a writer that knows `ALL_VALUES`: the bucket of a histogram that has them all."""
        every = term.model_copy(update={"where": (*term.where, ("le", "=+Inf"))})
        bound = tuple(replace(one, term=every) for one in self.bound[term])
        return replace(self, bound={**self.bound, ALL_VALUES: bound})

    def _ratio(self, form: Ratio) -> str:
        part, whole = self._sum(form.part), self._sum(form.whole)
        if form.form == "share":
            # The first error creates its series: until then there is nothing to sum, which is
            # not unknown.
            there = self._aggregated("sum", form.whole, "count", self._present)
            part = f"({part} or 0 * {there})"
        return f"{part} / {whole}"

    def _mean(self, form: Mean) -> str:
        now = " / ".join(self._sum(form.terms, part) for part in ("sum", "count"))
        if form.form == "mean":
            return f"{now}{self._scaled(form.terms)}"
        before = " / ".join(
            self._aggregated("sum", form.terms, part, self._before) for part in ("sum", "count")
        )
        return f"({before} - {now}){self._scaled(form.terms)}"

    def _scaled(self, terms: Sequence[Term]) -> str:
        scale = self.bound[terms[0]][0].metric.scale
        return "" if scale == 1 else f" * {scale:g}"

    def _sum(self, terms: Sequence[Term], part: str = "", more: Sequence[str] = ()) -> str:
        return self._aggregated("sum", terms, part, self._rate, more)

    def _aggregated(
        self,
        operator: str,
        terms: Sequence[Term],
        part: str,
        write: Write,
        more: Sequence[str] = (),
    ) -> str:
        found = [
            self._marked(one, term, terms)
            for term in terms
            if (one := self._series(self.bound[term], part or term.part, write))
        ]
        if not found:
            return _NOTHING
        names = [*more, *(label_name(stack) for stack in self._columns().values())]
        by = f" by ({', '.join(names)}) " if names else ""
        return f"{operator}{by}({' or '.join(found)})"

    def _series(self, several: Sequence[Bound], part: str, write: Write) -> str:
        return " or ".join(
            self._relabelled(
                write(
                    selector(bound.metric.spelling.sample(bound.metric.kind, part), matchers),
                    selector(bound.metric.spelling.created, matchers)
                    if bound.metric.is_dated
                    else "",
                ),
                bound,
            )
            for bound in several
            for matchers in bound.matchers(self.query.scope)
        )

    def _rate(self, counter: str, created: str) -> str:
        """Return PromQL for events per second, per series.

        `rate` needs two samples, so it never sees the first value of a counter that is born with
        one: the first error of all, or everything that happened before a new process was first
        scraped. Clients that say when a counter was created (prometheus_client, OpenMetrics)
        allow better: a counter created in the window and unknown before it has counted only
        events of the window. It is asked only while some counter is that young, since it costs
        more than the rate itself.

        Source: https://prometheus.io/docs/specs/om/open_metrics_spec/#counter
        """
        seconds = seconds_of(self.query)
        plain = f"rate({counter}[{self._window}])"
        if self.grown or not created:
            return plain
        is_new = (
            f"ignoring (le) ({created} > time() - {seconds}) unless {counter} offset {self._window}"
        )
        return f"(({counter} and {is_new}) / {seconds} or {plain})"

    def _present(self, counter: str, _created: str) -> str:
        return f"present_over_time({counter}[{self._window}])"

    def _newest(self, terms: Sequence[Term], part: str) -> str:
        now = self._aggregated("max", terms, part, self._timestamp)
        # Where every series has ended, an instant shows none.
        step = max(15, seconds_of(self.query) // 20)
        return f"({now} or max_over_time({now}[{self._window}:{step}s]))"

    def _timestamp(self, counter: str, _created: str) -> str:
        return f"timestamp({counter})"

    def _began_anew(self, counter: str, _created: str) -> str:
        return f"resets({counter}[{self._window}])"

    def _before(self, counter: str, _created: str) -> str:
        form = self.form
        days = form.days if isinstance(form, Mean) else 0
        return f"rate({counter}[{days}d] offset {self._window})"

    def _last(self, gauge: str, _created: str) -> str:
        # A gauge is read as it stands: over a window the last value of a replica that is gone
        # would count on.
        return gauge

    def _columns(self) -> dict[str, str]:
        """Return for each label of the split the label that the series are summed by."""
        return {name: self._shared(name) or name for name in self.query.by}

    def _shared(self, name: str) -> str | None:
        """Return the stack's label for ours, if all terms have it as it is."""
        columns = [bound.column(name) for several in self.bound.values() for bound in several]
        names = {c.names for c in columns if c is not None and c.is_plain}
        plain = len(names) == 1 and all(c is not None and c.is_plain for c in columns)
        return names.pop()[0] if plain else None

    def _relabelled(self, series: str, bound: Bound) -> str:
        for name in self.query.by:
            if self._shared(name) is None and (column := bound.column(name)):
                series = _with_label(series, name, column)
        return series

    def _marked(self, series: str, term: Term, terms: Sequence[Term]) -> str:
        if len(terms) == 1:
            return series
        return f'label_replace({series}, "{_TERM}", "{terms.index(term)}", "", "")'


def _with_label(series: str, name: str, column: Column) -> str:
    """Return `series` with our label set from the stack's."""

    def replaced(value: str, source: str, pattern: str) -> str:
        parts = ", ".join(quote(part) for part in (name, value, source, pattern))
        return f"label_replace({series}, {parts})"

    if column.constant is not None:
        return replaced(column.constant, "", "")
    if column.label is not None:
        (source,) = column.names
        if column.label.rest:
            series = replaced(column.label.rest, source, ".*")
        for value, pattern in column.label.values.items():
            series = replaced(value, source, pattern)
        return series
    for source in reversed(column.names):
        series = replaced("$1", source, "(.+)")
    return series
