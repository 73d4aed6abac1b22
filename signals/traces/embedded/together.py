"""Questions that were asked together the last time, answered by one statement.

A page with six lines over the same traffic asks six questions within milliseconds, and so do
rules; most of what each takes is reading the same requests and their labels. So whoever asks first
has all of them computed that were asked for the instants before, and the others find theirs,
unless something has been written since. A question that nobody asks any more is no longer computed
with the others from the second time on.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

Rows = list[tuple[Any, ...]]
Ask = Callable[[Sequence[str]], Rows]

MAX_SHAPES = 256  # of questions that are remembered, a few words each
MAX_FOUND = 16  # answers
MAX_ROWS = 20_000  # of an answer that is kept for others


@dataclass(slots=True)
class _Round:
    """Which signals were asked for an instant, and which for the instant before."""

    instant: Hashable
    now: set[str] = field(default_factory=set)
    before: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    signals: tuple[str, ...]
    version: int
    rows: "Future[Rows]" = field(default_factory=Future)


class Together:
    """What was asked lately, and the newest answers; for any number of threads."""

    def __init__(self, version: Callable[[], int]) -> None:
        """Remember nothing yet.

        Args:
            version: Returns a number that is another one whenever something has been written.
        """
        self._version = version
        self._changing = threading.Lock()
        self._rounds: OrderedDict[Hashable, _Round] = OrderedDict()
        self._answers: OrderedDict[Hashable, _Answer] = OrderedDict()

    def ask(
        self, shape: Hashable, instant: Hashable, signal: str, ask: Ask
    ) -> tuple[tuple[str, ...], Rows]:
        """Return which signals were answered together, and the rows of the answer.

        Args:
            shape: What of the question is the same from one time to the next.
            instant: What is not.
            signal: Which must be among those answered.
            ask: Asks for several signals at once. What it raises, all that wait for it raise.
        """
        key = (shape, instant)
        with self._changing:
            usual = self._note(shape, instant, signal)
            found = self._answers.get(key)
            version = self._version()
            mine = found is None or found.version != version or signal not in found.signals
            if found is None or mine:
                found = _Answer(signals=tuple(sorted(usual)), version=version)
                self._keep(key, found)
        if mine:
            self._answer(key, found, ask)
        return found.signals, found.rows.result()

    def _note(self, shape: Hashable, instant: Hashable, signal: str) -> frozenset[str]:
        """Return the signals to ask for."""
        last = self._rounds.pop(shape, None) or _Round(instant)
        if last.instant != instant:
            last = _Round(instant, before=frozenset(last.now))
        last.now.add(signal)
        self._rounds[shape] = last
        if len(self._rounds) > MAX_SHAPES:
            self._rounds.popitem(last=False)
        return last.before | last.now

    def _keep(self, key: Hashable, answer: _Answer) -> None:
        self._answers.pop(key, None)
        self._answers[key] = answer
        if len(self._answers) > MAX_FOUND:
            self._answers.popitem(last=False)

    def _answer(self, key: Hashable, answer: _Answer, ask: Ask) -> None:
        try:
            rows = ask(answer.signals)
        except BaseException as error:  # noqa: BLE001  whoever waits is told, the asker too
            answer.rows.set_exception(error)
            self._forget(key, answer)
            return
        answer.rows.set_result(rows)
        if len(rows) > MAX_ROWS:
            self._forget(key, answer)

    def _forget(self, key: Hashable, answer: _Answer) -> None:
        with self._changing:
            if self._answers.get(key) is answer:
                del self._answers[key]
