"""Strict JSON: what I-JSON (RFC 7493) demands and most parsers let pass."""

import json
import re
from typing import Any, NoReturn

from policyd.model.errors import CallMalformed, CallTooLarge

# Strings as a whole, so that brackets inside them do not count.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)


def check_json(body: bytes, *, max_depth: int) -> None:
    """Refuse what a lenient parser would silently change.

    Raises:
        CallMalformed: not UTF-8, not JSON, a member named twice, NaN or Infinity.
        CallTooLarge: nested deeper than *max_depth*.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CallMalformed(f"the body is not UTF-8: byte {error.start} cannot be read") from None
    if not text.strip():
        raise CallMalformed("the body is empty; send one JSON object")
    # Before parsing: the parser recurses, and up to its first complaint it reads the same tokens.
    if _depth(text, max_depth) > max_depth:
        raise CallTooLarge(f"the body nests deeper than {max_depth} levels", code="call-too-deep")
    try:
        json.loads(text, object_pairs_hook=_unique, parse_constant=_not_json)
    except ValueError as error:
        raise CallMalformed(f"the body is not JSON: {error}") from None


def _depth(text: str, enough: int) -> int:
    """How deep *text* nests; only counted exactly if it could be more than *enough*."""
    if text.count("{") + text.count("[") <= enough:
        return 0
    depth = deepest = 0
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in "]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise CallMalformed(f"the member `{twice[:64]}` is written twice")
    return members


def _not_json(word: str) -> NoReturn:
    raise CallMalformed(f"`{word}` is not a JSON number")
