"""A quick look at records, most of which are like one that was read in full before.

A record that was read in full becomes an expression: the same names, brackets and commas, any other
text where one was, any other integer where one was; and where a member has to be of a form, only
that. What matches it is spelt as records are, with members of the same types: it would be read as
that one was. That is so as long as no text needs an escape, so records with any are left out. The
names in an object of integers alone are data (a counter's has its hour in it): they may be any,
each once and in order.

So what passes here is a record that `record.parse` reads, and its `id` carries the time of its
`ts`. What does not pass is read in full.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from operator import lt
from typing import Any, NamedTuple

from policyd_audit import record
from policyd_audit.beside import concerns
from policyd_audit.disclosure import are_digests
from policyd_audit.errors import Malformed

_ESCAPED = bytes(range(0x20)) + b"\\"  # a text without these is spelt as it is
_UNSHAPELY = bytes(set(range(0x100)) - set(b'"{}[]' + _ESCAPED))
_TEXT = '"[^"]*"'
_TEXTS = rf"\[{_TEXT}(?:,{_TEXT})*\]"
_INTEGER = "(?:0|-?[1-9][0-9]{0,14})"
_NAME = re.compile('"([^"]*)":')
_TOO_LARGE = 10**15  # for the expression; records may have integers below 2^53

# An expression takes as long to make as reading dozens of records.
_MOST_OF_ONE_SHAPE = 16
_LONGEST = 8_192


_Place = tuple[int, str]
"""A member: which object it is in, and its name."""


class _Known(NamedTuple):
    """What matches records of one likeness, and which of its groups are of counters."""

    matching: Callable[[str], re.Match[str] | None]
    counters: Sequence[int]


class Acquaintance:
    """Remembers what the records it met were like.

    Args:
        most: So many expressions are made of them.
    """

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._shapes: dict[bytes, list[_Known]] = {}  # by quotes and brackets
        self._made: dict[str, _Known] = {}

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
            for matching, counters in known:
                if found := matching(text):
                    return _checked(found.groups(), counters)
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
            text = _Likeness(content).expression
        except (_Peculiar, RecursionError):
            return
        if text not in self._made:
            if len(self._made) == self._most:
                return
            self._made[text] = _known(text)
        self._shapes.setdefault(shape, []).append(self._made[text])


def _known(expression: str) -> _Known:
    pattern = re.compile(expression)
    return _Known(pattern.fullmatch, [at - 1 for at in pattern.groupindex.values()])


class _Peculiar(Exception):
    """A record with something that an expression cannot hold."""


def _checked(groups: Sequence[str], counters: Sequence[int]) -> str | None:
    """Return the `ts` of a decision that matches, if its `id` carries the same time.

    Args:
        groups: Its id, its times and its counters, in the order of its members.
        counters: Which of the groups are counters; as members they stand in order, each once.

    Raises:
        ValueError: something in it is spelt as a time, but is none.
    """
    if counters:
        if not all(_are_in_order(groups[at]) for at in counters):
            return None
        groups = [each for at, each in enumerate(groups) if at not in counters]
    now, record_id, ts, *later = groups
    for each in (now, *later):
        record.ts_second(each)
    return ts if record.is_of_time(record_id, ts) else None


def _are_in_order(counters: str) -> bool:
    names = _NAME.findall(counters)
    return all(map(lt, names, names[1:]))


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


class _Likeness:
    """What records like one have in common: its members, and their forms, as an `expression`.

    Args:
        content: A decision that was read in full.

    Raises:
        _Peculiar: it has something that an expression cannot hold.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._forms = {(id(content), "v"): str(record.VERSION), (id(content), "kind"): '"decision"'}
        self._named = set()  # objects that must have members of certain names
        for value, members, _ in record.checked(content):
            self._named.add(id(value))
            for name, holds, *_ in members:
                if name in value and holds is are_digests:
                    raise _Peculiar
                spelt = record.SPELT.get(holds)
                if name in value and spelt:
                    is_group = holds in (record.is_id, record.is_ts)
                    self._forms[id(value), name] = f'"({spelt})"' if is_group else f'"{spelt}"'
        self._counters = 0
        self.expression = self._of(content)

    def _of(self, value: object) -> str:
        """Return the expression of a value and all that is in it."""
        if isinstance(value, dict):
            return self._of_object(value)
        if isinstance(value, list):
            if value and all(isinstance(each, str) for each in value):
                return _TEXTS
            return rf"\[{','.join(map(self._of, value))}\]"
        if type(value) is int:
            if not _is_small(value):
                raise _Peculiar
            return _INTEGER
        return _TEXT if isinstance(value, str) else json.dumps(value)

    def _of_object(self, value: Mapping[str, object]) -> str:
        if id(value) not in self._named and all(map(_is_small, value.values())):
            return self._of_counters(len(value))
        members = (
            f'"{re.escape(name)}":{self._forms.get((id(value), name)) or self._of(each)}'
            for name, each in value.items()
        )
        return rf"\{{{','.join(members)}\}}"

    def _of_counters(self, count: int) -> str:
        members = ",".join([f"{_TEXT}:{_INTEGER}"] * count)
        if count > 1:
            members = f"(?P<counters{self._counters}>{members})"
            self._counters += 1
        return rf"\{{{members}\}}"


def _is_small(value: object) -> bool:
    return type(value) is int and abs(value) < _TOO_LARGE
