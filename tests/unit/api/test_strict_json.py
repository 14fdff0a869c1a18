"""Strict JSON: the quick look never lets pass what the full one refuses."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyd.api.strict_json import check_json, read_in_turns, read_plain
from policyd.model.errors import CallMalformed, CallRefused

DEPTH = 8
_decode = msgspec.json.Decoder().decode

Pairs = list[tuple[str, Any]]


class Written(list[tuple[str, Any]]):
    """An object as it is written: its members in order, also those of one name."""


words = st.text('ab"\\/{[ é\u2028\x7f\n0\ud800', max_size=3)
values = st.recursive(
    words | st.integers() | st.floats() | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(words, inner), max_size=4).map(Written)
    ),
    max_leaves=8,
)


def _text(value: object, *, escapes: bool) -> str:
    """The JSON text of *value*, with members of one name."""
    if isinstance(value, Written):
        members = (
            f"{json.dumps(name, ensure_ascii=escapes)}:{_text(each, escapes=escapes)}"
            for name, each in value
        )
        return "{ " + ", ".join(members) + "\n}"
    if isinstance(value, list):
        return "[" + ",".join(_text(each, escapes=escapes) for each in value) + "]"
    return json.dumps(value, ensure_ascii=escapes)


def _no_member_twice(pairs: Pairs) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def _no_constant(word: str) -> float:
    raise ValueError(word)


def _is_strict(body: bytes) -> bool:
    """Whether another parser, asked about every name, finds nothing wrong."""
    try:
        json.loads(body.decode(), object_pairs_hook=_no_member_twice, parse_constant=_no_constant)
    except ValueError:
        return False
    return True


@given(values, st.booleans(), st.binary(max_size=2), st.integers(0, 60))
def test_a_quick_look_passes_nothing_that_is_not_strict(
    value: object, escapes: bool, other: bytes, at: int
) -> None:
    """What is read at once is strict JSON, also after a few bytes of it were changed."""
    whole = _text(value, escapes=escapes).encode(errors="surrogatepass")
    for body in (whole, whole[:at] + other + whole[at + len(other) :]):
        read = read_plain(body, _decode, max_depth=DEPTH)
        if read is not None:
            assert _is_strict(body), body
            assert json.loads(body) == read


@given(values, words, st.booleans())
def test_a_member_written_twice_is_refused(value: object, name: str, escapes: bool) -> None:
    """A name that comes twice is found, whatever stands around it."""
    twice = Written([(name, value), ("c", 1), (name, value)])
    with pytest.raises(CallMalformed):
        check_json(_text(twice, escapes=escapes).encode(errors="surrogatepass"), max_depth=DEPTH)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a":"x","a":"\u0022\u0022\u0022\u0022"}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":1,"\\u0061":2}',
        b'{"":1,"":1}',
    ],
    ids=["quotes to make up for it", "inside", "escaped", "no name"],
)
def test_no_spelling_hides_a_member_written_twice(body: bytes) -> None:
    """Quotes are counted only where nothing is escaped."""
    assert read_plain(body, _decode, max_depth=DEPTH) is None
    with pytest.raises(CallMalformed, match="is written twice"):
        check_json(body, max_depth=DEPTH)


@pytest.mark.parametrize("number", ["9" * 5000, "1e999", "-0", "1E+2"])
def test_numbers_are_read_as_ever(number: str) -> None:
    """A number that only one of the parsers takes is judged by the strict one."""
    body = f'{{"n":{number}}}'.encode()
    if _is_strict(body):
        check_json(body, max_depth=DEPTH)
    else:
        with pytest.raises(CallMalformed):
            check_json(body, max_depth=DEPTH)


def _said(body: bytes, read: Callable[..., object]) -> str:
    """How *read* refuses a body; empty if it does not."""
    try:
        read(body, max_depth=DEPTH)
    except CallRefused as error:
        return error.code + error.message
    return ""


@given(values, st.booleans(), st.binary(max_size=2), st.integers(0, 60))
def test_what_is_read_in_turns_is_read_as_strictly(
    value: object, escapes: bool, other: bytes, at: int
) -> None:
    """A long body is refused for what a short one is, in the same words, and says the same."""
    whole = _text(value, escapes=escapes).encode(errors="surrogatepass")
    for body in (whole, whole[:at] + other + whole[at + len(other) :]):
        said = _said(body, read_in_turns)
        assert said == _said(body, check_json)
        if not said:
            assert read_in_turns(body, max_depth=DEPTH) == json.loads(body)
