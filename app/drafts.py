"""What is being typed into a form: its fields, kept in the session under one name.

The name says what is edited (`rules_7`), so that two rules never share a field, and that what the
browser sends again after a restart of the server meets the same fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of one form.

    Args:
        name: Unique to what is edited; the start of every widget's key.
    """

    name: str

    def key(self, field: str) -> str:
        """Return the key of the widget that holds `field`."""
        return f"{self.name}_{field}"

    def seed(self, fields: Mapping[str, Any]) -> None:
        """Fill in the fields that nobody has touched."""
        for field, value in fields.items():
            st.session_state.setdefault(self.key(field), value)

    def get(self, field: str) -> Any:
        """Return what `field` holds, or None."""
        return st.session_state.get(self.key(field))

    def put(self, field: str, value: Any) -> None:
        """Set `field`, before its widget is drawn or from a callback."""
        st.session_state[self.key(field)] = value

    @property
    def fields(self) -> dict[str, Any]:
        """Return every field by name."""
        start = f"{self.name}_"
        keys = (str(key) for key in st.session_state)
        return {k.removeprefix(start): st.session_state[k] for k in keys if k.startswith(start)}

    def drop(self) -> None:
        """Forget what was typed."""
        for field in self.fields:
            del st.session_state[self.key(field)]
