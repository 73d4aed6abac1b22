"""What may be wrong with the rule in the form, beside what it would have done."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from alerts.rulelint import Finding, Grade
from app import parts
from app.parts import Look, plain, small

MOST: Final = 12
LOOKS: Final[dict[Grade, Look]] = {
    Grade.ERROR: ("red", "error"),
    Grade.WARNING: ("orange", "warning"),
    Grade.HINT: ("gray", "lightbulb"),
}


def draw(findings: Sequence[Finding]) -> None:
    """Draw the findings, or that there are none."""
    with st.container(border=True, key="rules_lint", gap="xsmall"):
        st.markdown("**Before you save**")
        if not findings:
            st.markdown(small(":material/check: Nothing to object to."))
        for found in findings[:MOST]:
            st.markdown(f"{parts.mark(found.grade, LOOKS[found.grade])} {plain(found.sentence)}")
