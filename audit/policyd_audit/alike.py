"""A quick look at records, most of which are like one that was read in full before.

A record that was read in full becomes an expression: the same names, brackets and commas, any other
text where one was, any other integer where one was; and where a member has to be of a form, only
that. What matches it is spelt as records are, with members of the same types: it would be read as
that one was. That is so as long as no text needs an escape, so records with any are left out.

So what passes here is a record that `record.parse` reads, and its `id` carries the time of its
`ts`. What does not pass is read in full.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from policyd_audit import record
from policyd_audit.beside import concerns
from policyd_audit.disclosure import are_digests
from policyd_audit.errors import Malformed

_ESCAPED = bytes(range(0x20)) + b"\\"  # a text without these is spelt as it is
_UNSHAPELY = bytes(set(range(0x100)) - set(b'"{}[]' + _ESCAPED))
_TEXT = '"[^"]*"'
_TEXTS = rf"\[{_TEXT}(?:,{_TEXT})*\]"
_INTEGER = "(?:0|-?[1-9][0-9]{0,14})"
_TOO_LARGE = 10**15  # for the expression; records may have integers below 2^53

# An expression takes as long to make as reading dozens of records.
_MOST_OF_ONE_SHAPE = 16
_LONGEST = 8_192


_Place = tuple[int, str]
"""A member: which object it is in, and its name."""

_Matching = Callable[[str], re.Match[str] | None]


class Acquaintance:
    """Remembers what the records it met were like.

    Args:
        most: So many expressions are made of them.
    """

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._shapes: dict[bytes, list[_Matching]] = {}  # by quotes and brackets
        self._made: dict[str, _Matching] = {}

    def time(self, leaf: bytes) -> str | None:
        """Return the `ts` of a record that is right in itself; None for anything else.

        Of a record that something may lie beside, None is said too.
        """
        if len(leaf) > _LONGEST:
            return None if concerns(leaf) else time_in_full(leaf)
        shape = leaf.translate(None, _UNSHAPELY)
        known = self._shapes.get(shape, ())
        try:
            text = leaf.decode()
            for matching in known:
                if found := matching(text):
                    return _checked(*found.groups())
        except ValueError:
            return None  # no UTF-8, or a time that never is
        content = None if concerns(leaf) else _read(leaf)
        if content and content["kind"] == "decision" and len(known) < _MOST_OF_ONE_SHAPE:
            self._remember(content, shape)
        return _time(content)

    def _remember(self, content: Mapping[str, Any], shape: bytes) -> None:
        if len(shape.translate(None, _ESCAPED)) != len(shape):
            return
        try:
            text = _expression(content, _forms(content))
        except (_Peculiar, RecursionError):
            return
        if text not in self._made:
            if len(self._made) == self._most:
                return
            self._made[text] = re.compile(text).fullmatch
        self._shapes.setdefault(shape, []).append(self._made[text])


class _Peculiar(Exception):
    """A record with something that an expression cannot hold."""


def _checked(now: str, record_id: str, ts: str, *later: str) -> str | None:
    """Return the `ts` of a decision that matches, if its `id` carries the same time.

    Its id and its times come in the order of its members.

    Raises:
        ValueError: something in it is spelt as a time, but is none.
    """
    for each in (now, *later):
        record.ts_second(each)
    return ts if record.is_of_time(record_id, ts) else None


def time_in_full(leaf: bytes) -> str | None:
    """Return the `ts` of a record that is right in itself, whatever it is like."""
    return _time(_read(leaf))


def _read(leaf: bytes) -> Mapping[str, Any] | None:
    try:
        return record.parse(leaf)
    except Malformed:
        return None


def _time(content: Mapping[str, Any] | None) -> str | None:
    if content is None:
        return None
    ts: str = content["ts"]
    return ts if record.is_of_time(content["id"], ts) else None


def _forms(content: Mapping[str, Any]) -> dict[_Place, str]:
    """Return the expressions of members that have to be of a form; times and the id are groups."""
    forms = {(id(content), "v"): str(record.VERSION), (id(content), "kind"): '"decision"'}
    for value, members, _ in record.checked(content):
        for name, holds, *_ in members:
            if name in value and holds is are_digests:
                raise _Peculiar
            spelt = record.SPELT.get(holds)
            if name in value and spelt:
                is_group = holds in (record.is_id, record.is_ts)
                forms[id(value), name] = f'"({spelt})"' if is_group else f'"{spelt}"'
    return forms


def _expression(value: object, forms: Mapping[_Place, str]) -> str:
    """Return the expression of a value and all that is in it."""
    if isinstance(value, dict):
        members = (
            f'"{re.escape(name)}":{forms.get((id(value), name)) or _expression(each, forms)}'
            for name, each in value.items()
        )
        return rf"\{{{','.join(members)}\}}"
    if isinstance(value, list):
        if value and all(isinstance(each, str) for each in value):
            return _TEXTS
        return rf"\[{','.join(_expression(each, forms) for each in value)}\]"
    if type(value) is int and abs(value) >= _TOO_LARGE:
        raise _Peculiar
    return (
        _TEXT if isinstance(value, str) else _INTEGER if type(value) is int else json.dumps(value)
    )
