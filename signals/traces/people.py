"""Whose request it was, without saying who: a mark in place of a user's id."""

import hashlib
import re

DIGITS = 10
_MARK = re.compile(rf"user [0-9a-f]{{{DIGITS}}}")


def mark(user_id: str) -> str:
    """Return a mark that is the same for the same user and does not tell who it is."""
    return f"user {hashlib.sha256(user_id.encode(errors='replace')).hexdigest()[:DIGITS]}"


def is_mark(text: str) -> bool:
    """Say whether `text` is a user's mark."""
    return _MARK.fullmatch(text) is not None


def names(told: str, user_id: str | None) -> bool:
    """Say whether `told`, an id or a mark, is the user `user_id`; nothing is nobody."""
    if user_id is None:
        return not told
    return told == user_id or (is_mark(told) and told == mark(user_id))
