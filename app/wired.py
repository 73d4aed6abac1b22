"""The wiring that pages and doors share: set once, when the process starts."""

from alerts.wiring import Wiring

_current: Wiring | None = None


def set_current(wiring: Wiring) -> None:
    """Make `wiring` what every page and door of this process uses."""
    global _current  # page scripts are run anew by Streamlit; a module is what they share
    _current = wiring


def current() -> Wiring:
    """Return the wiring of this process.

    Raises:
        LookupError: The pages were started by hand instead of by `wakeful up` or `wakeful web`.
    """
    if _current is None:
        raise LookupError("Wakeful is not wired: start it with `wakeful up`")
    return _current


def is_sampled() -> bool:
    """Say whether the embedded store holds some requests that stand for others as well."""
    store = current().store
    return store is not None and bool(store.abilities.estimates)
