"""Requests that go no further, and the steps that they end in."""

from collections.abc import Iterator
from contextlib import contextmanager

from examples.copilot.plan import Draft, Value


class Stopped(Exception):  # noqa: N818 - the end of a request, not an error of the program
    """The request goes no further."""

    def __init__(self, outcome: str, status_code: int, *, by: str = "") -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.status_code = status_code
        self.by = by


@contextmanager
def step(draft: Draft, name: str, **attributes: Value) -> Iterator[None]:
    """Hold what happens meanwhile, also where the request ends in it."""
    draft.open(name, **attributes)
    try:
        yield
    except Stopped as stopped:
        draft.close(error=stopped.outcome if stopped.status_code >= 400 else "")
        raise
    draft.close()
