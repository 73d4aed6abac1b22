"""Slack's rules for Block Kit. Pure.

Source: https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Iterator
from typing import Any

BLOCKS = 50
SECTION_TEXT = 3000
FIELDS = 10
FIELD_TEXT = 2000
HEADER_TEXT = 150
ACTIONS = 25
CONTEXT = 10
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
ID = 255
URL = 3000
MARKDOWN = 12000
OPTIONS = 100
OPTION_TEXT = 75
OPTION_VALUE = 75  # some of Slack's pages say 150
PLACEHOLDER = 150

TYPES = ("section", "header", "actions", "context", "divider", "image", "markdown", "rich_text")


def faults(blocks: Any) -> list[str]:
    """Return what is wrong with `blocks`, as Slack says it; empty if they are sound."""
    if not isinstance(blocks, list):
        return ["must be an array"]
    if len(blocks) > BLOCKS:
        return [f"no more than {BLOCKS} items allowed [json-pointer:/blocks]"]
    found = [
        f"{fault} [json-pointer:/blocks/{n}]" for n, b in enumerate(blocks) for fault in _block(b)
    ]
    ids = [b["block_id"] for b in blocks if isinstance(b, dict) and b.get("block_id")]
    if len(ids) != len(set(ids)):
        found.append("`block_id` must be unique [json-pointer:/blocks]")
    return found


def _block(block: Any) -> Iterator[str]:
    if not isinstance(block, dict) or block.get("type") not in TYPES:
        yield "unsupported type"
        return
    if len(str(block.get("block_id", ""))) > ID:
        yield f"must be less than {ID + 1} characters"
    rules = {
        "section": _section,
        "header": _header,
        "actions": _actions,
        "context": _context,
        "markdown": _markdown,
    }
    if block["type"] in rules:
        yield from rules[block["type"]](block)


def _section(block: dict[str, Any]) -> Iterator[str]:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        yield "missing required field: text or fields"
    if "text" in block:
        yield from _text(block["text"], SECTION_TEXT)
    if not isinstance(fields, list) or len(fields) > FIELDS:
        yield f"no more than {FIELDS} items allowed"
        return
    for one in fields:
        yield from _text(one, FIELD_TEXT)
    if "accessory" in block:
        yield from _element(block["accessory"])


def _header(block: dict[str, Any]) -> Iterator[str]:
    yield from _text(block.get("text"), HEADER_TEXT, kinds=("plain_text",))


def _actions(block: dict[str, Any]) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= ACTIONS:
        yield f"between 1 and {ACTIONS} items allowed"
        return
    for one in elements:
        yield from _element(one)
    ids = [e.get("action_id") for e in elements if isinstance(e, dict) and e.get("action_id")]
    if len(ids) != len(set(ids)):
        yield "`action_id` must be unique in a block"


def _context(block: dict[str, Any]) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= CONTEXT:
        yield f"between 1 and {CONTEXT} items allowed"
        return
    for one in elements:
        if not isinstance(one, dict) or one.get("type") != "image":
            yield from _text(one, SECTION_TEXT)


def _markdown(block: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(str(block.get("text", ""))) <= MARKDOWN:
        yield f"text must have 1 to {MARKDOWN} characters"


def _element(element: Any) -> Iterator[str]:
    if not isinstance(element, dict) or "type" not in element:
        yield "unsupported element"
        return
    if len(str(element.get("action_id", ""))) > ID:
        yield f"action_id must be less than {ID + 1} characters"
    if element["type"] == "button":
        yield from _button(element)
    elif element["type"] == "static_select":
        yield from _menu(element)


def _menu(menu: dict[str, Any]) -> Iterator[str]:
    if "placeholder" in menu:
        yield from _text(menu["placeholder"], PLACEHOLDER, kinds=("plain_text",))
    options = menu.get("options")
    if not isinstance(options, list) or not 1 <= len(options) <= OPTIONS:
        yield f"between 1 and {OPTIONS} options allowed"
        return
    for option in options:
        if not isinstance(option, dict) or not isinstance(option.get("value"), str):
            yield "an option needs a value"
            continue
        yield from _text(option.get("text"), OPTION_TEXT, kinds=("plain_text", "mrkdwn"))
        if len(option["value"]) > OPTION_VALUE:
            yield f"value must be less than {OPTION_VALUE + 1} characters"


def _button(element: dict[str, Any]) -> Iterator[str]:
    yield from _text(element.get("text"), BUTTON_TEXT, kinds=("plain_text",))
    if len(str(element.get("value", ""))) > BUTTON_VALUE:
        yield f"value must be less than {BUTTON_VALUE + 1} characters"
    url = str(element.get("url", ""))
    if len(url) > URL or (url and not url.startswith(("http://", "https://"))):
        yield f"invalid url, or more than {URL} characters"
    if element.get("style", "primary") not in ("primary", "danger"):
        yield "style must be primary or danger"


def _text(
    text: Any, limit: int, *, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")
) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield f"text must be an object of type {' or '.join(kinds)}"
    elif not isinstance(text.get("text"), str) or not 1 <= len(text["text"]) <= limit:
        yield f"text must be more than 0 and less than {limit + 1} characters"
