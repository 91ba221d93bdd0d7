"""The `fields` parameter: `id,files(id,shortcutDetails/targetId),*` says what is answered."""

import re
from collections.abc import Mapping
from typing import Any

from comfyhouse_demo.google.failures import Refusal

Mask = dict[str, "Mask | None"]

_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9]*|\*|[(),/]")


def read_mask(text: str) -> Mask:
    """Return the tree of names; None: all that is below. Raises Refusal."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text.replace(" ", ""):
        raise _make_refusal(text)
    mask, rest = _read_list(tokens, text)
    if rest:
        raise _make_refusal(text)
    return mask


def apply_mask(document: Any, mask: Mask | None) -> Any:
    """Return the document with nothing but what the mask names; lists are gone through."""
    if mask is None or "*" in mask:
        return document
    if isinstance(document, list):
        return [apply_mask(one, mask) for one in document]
    if not isinstance(document, Mapping):
        return document
    return {
        name: apply_mask(document[name], below) for name, below in mask.items() if name in document
    }


def _read_list(tokens: list[str], text: str) -> tuple[Mask, list[str]]:
    mask: Mask = {}
    while True:
        name, below, tokens = _read_one(tokens, text)
        known = mask.get(name)
        mask[name] = {**known, **below} if known and below else below
        if not tokens or tokens[0] == ")":
            return mask, tokens
        if tokens[0] != ",":
            raise _make_refusal(text)
        tokens = tokens[1:]


def _read_one(tokens: list[str], text: str) -> tuple[str, Mask | None, list[str]]:
    if not tokens or not (tokens[0] == "*" or tokens[0][0].isalpha()):
        raise _make_refusal(text)
    name, tokens = tokens[0], tokens[1:]
    if tokens and tokens[0] == "/":
        below_name, below, tokens = _read_one(tokens[1:], text)
        return name, {below_name: below}, tokens
    if tokens and tokens[0] == "(":
        mask, tokens = _read_list(tokens[1:], text)
        if not tokens:
            raise _make_refusal(text)
        return name, mask, tokens[1:]
    return name, None, tokens


def _make_refusal(text: str) -> Refusal:
    return Refusal(400, "invalidParameter", f"Invalid field selection {text}", "fields")
