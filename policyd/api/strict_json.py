"""Strict JSON: what I-JSON (RFC 7493) demands and most parsers let pass."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

import msgspec

from policyd.model.errors import CallMalformed, CallTooLarge
from policyd.policy import json_in_turns

T = TypeVar("T")
encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# Strings as a whole, so that brackets inside them do not count.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{\]}]', re.DOTALL)


def check_json(body: bytes, *, max_depth: int) -> None:
    """Refuse what a lenient parser would silently change.

    Raises:
        CallMalformed: not UTF-8, not JSON, a member named twice, NaN or Infinity, half of a
            surrogate pair.
        CallTooLarge: nested deeper than *max_depth*.
    """
    if read_plain(body, _decode, max_depth=max_depth) is None:
        _read(body, max_depth)


def read_in_turns(body: bytes, *, max_depth: int) -> Any:  # noqa: ANN401 - JSON is any of its types
    """What *body* says, which may be long, for a thread beside the event loop; see `check_json`."""
    return _read(body, max_depth, in_turns=True)


def _read(body: bytes, max_depth: int, *, in_turns: bool = False) -> Any:  # noqa: ANN401
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
        if in_turns:
            value = json_in_turns.loads(text, _unique, _not_json)
        else:
            value = json.loads(text, object_pairs_hook=_unique, parse_constant=_not_json)
    except ValueError as error:
        raise CallMalformed(f"the body is not JSON: {error}") from None
    # One search through a long text is one turn; its strings are one each.
    if (in_turns or _SURROGATE.search(text)) and not _is_unicode(value):
        raise CallMalformed("the body is not JSON: a string has half of a surrogate pair")
    return value


def read_plain(body: bytes, decode: Callable[[bytes], T], *, max_depth: int) -> T | None:
    """What *decode*, of msgspec, makes of *body* if that is strict beyond doubt; None if not.

    Where nothing is escaped, every two quotes are a string. Decoding keeps one of two members of
    a name and no unknown member, and never adds a string: if as many quotes are encoded again as
    there were, nothing is written twice and nothing was passed over. msgspec refuses by itself
    what is not UTF-8 or not JSON.
    """
    if b"\\" in body or body.count(b"{") + body.count(b"[") > max_depth:
        return None
    try:
        value = decode(body)
    except ValueError:
        return None  # whoever reads it in full says what is wrong
    return value if encode(value).count(b'"') == body.count(b'"') else None


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
        counted = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counted.items() if count > 1)
        shown = twice[:64].encode("utf-8", "replace").decode()
        raise CallMalformed(f"the member `{shown}` is written twice")
    return members


def _is_unicode(value: object) -> bool:
    try:
        for each in _strings(value):
            each.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _not_json(word: str) -> NoReturn:
    raise CallMalformed(f"`{word}` is not a JSON number")
