"""Labels and annotations as people type them into a form. Pure."""

from collections.abc import Mapping

import yaml

from alerts.rulecode.promfile import Dumper


class LabelTextError(ValueError):
    """A text cannot be read; the message says which and how to write it."""


def pairs(text: str) -> dict[str, str]:
    """Return the labels that `team = llm, tier = 1` writes, or `{team: llm}` in YAML.

    Raises:
        LabelTextError: Something in it is no `name = value`.
    """
    if text.lstrip().startswith("{"):
        return _texts(text, "labels")
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not value:
            raise LabelTextError(
                f"labels: {part!r} is not a label: write name = value, name = value"
            )
        found[name] = value
    return found


def pairs_text(labels: Mapping[str, str]) -> str:
    """Return `labels` as one line that `pairs` reads."""
    line = ", ".join(f"{name} = {value}" for name, value in labels.items())
    try:
        if pairs(line) == labels:
            return line
    except LabelTextError:
        pass
    return _yaml(labels, flow=True).strip()


def annotations(text: str) -> dict[str, str]:
    """Return the annotations that are written as YAML, `summary: What is wrong` a line.

    Raises:
        LabelTextError: It is not names with texts.
    """
    return _texts(text, "annotations")


def lines(texts: Mapping[str, str]) -> str:
    """Return `texts` as `annotations` reads them."""
    return _yaml(texts, flow=False) if texts else ""


def _texts(text: str, what: str) -> dict[str, str]:
    try:
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - texts and their lists only
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise LabelTextError(f"{what}: not YAML: {' '.join(str(error).split())}") from error
    if found in (None, ""):
        return {}
    if not isinstance(found, dict) or not all(
        isinstance(part, str) for pair in found.items() for part in pair
    ):
        raise LabelTextError(f"{what}: write one name: text a line")
    return found


def _yaml(texts: Mapping[str, str], *, flow: bool) -> str:
    written: str = yaml.dump(
        dict(texts),
        Dumper=Dumper,
        default_flow_style=flow,
        sort_keys=False,
        width=100_000,
        allow_unicode=True,
    )
    return written
