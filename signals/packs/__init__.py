"""Real metric names of real stacks, as data: PromQL per golden signal, one file per stack.

In an expression `${scope}` stands for label matchers (possibly none, each followed by a comma),
`$window` for the window, as in `300s`, `$seconds` for the same as a bare number, and `$by` for
the labels to split by (possibly none; PromQL allows the comma before it: `by (le, $by)`).
What stands between `[[` and `]]` is only asked while a counter is younger than the window: it may
cost as much as the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one stack's metrics answer for one signal.

    Attributes:
        promql: The expression, with the placeholders of this module's docstring.
        labels: What it can be scoped and split by.
    """

    promql: str
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """The metric names of one stack.

    Attributes:
        name: How pages call the stack.
        heartbeat: The metric whose newest sample dates the data; it must always be there.
        births: PromQL for the Unix time at which the youngest counter was created; nothing where
            clients do not say.
        recipes: By the name of the signal; a signal without one is not answered.
    """

    name: str
    heartbeat: str
    births: str = ""
    recipes: Mapping[str, Recipe]
