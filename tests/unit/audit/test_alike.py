"""The quick look at records: it may pass nothing that reading in full would not."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyd_audit import record
from policyd_audit.alike import Acquaintance
from policyd_audit.beside import concerns
from policyd_audit.errors import Malformed
from tests.unit.audit.test_record import DECISION, ID, MISSING, QUERY, TS, changed, spelled

MILLISECONDS = record.ts_millisecond(TS)
STAMP = f"{MILLISECONDS:012x}"
TRUE_ID = f"{STAMP[:8]}-{STAMP[8:]}-7d41-8f2a-5b1e0c9a7d33"
GOOD: dict[str, Any] = DECISION | {
    "id": TRUE_ID,
    "call": {
        "action": "send",
        "fields": ["a", "b"],
        "volume": {"rows": 40},
        "odd": [{"x": [None]}],
    },
    "facts": {"now": TS, "used": {"rows-of-unit": 0, "calls": -7}, "owner": "active"},
}


def in_full(leaf: bytes) -> str | None:
    """What reading the whole record says of it."""
    try:
        content = record.parse(leaf)
    except Malformed:
        return None
    ts: str = content["ts"]
    is_same = record.id_millisecond(content["id"]) == record.ts_millisecond(ts)
    return ts if is_same and not concerns(leaf) else None


def acquainted(*contents: dict[str, Any]) -> Acquaintance:
    """One that has met these records."""
    made = Acquaintance()
    for content in contents:
        made.time(spelled(content))
    return made


def test_a_record_like_one_before_is_not_read_in_full() -> None:
    """It is known by its expression, of which there is one for all that are alike."""
    other = GOOD | {
        "nonce": "a0" * 16,
        "call": dict(GOOD["call"])
        | {"action": "read", "fields": ["é"], "volume": {"rows": 123_456}},
    }
    known = acquainted(GOOD, other)
    assert known.time(spelled(other)) == TS
    assert len(known._made) == 1  # noqa: SLF001 - that it was remembered shows nowhere else


WRONG: list[tuple[str, list[object]]] = [
    ("v", [2, 10, True, "1", MISSING]),
    ("id", [ID.upper(), f"{TRUE_ID}/", f"{TRUE_ID}/01", f"{TRUE_ID}\n", f"{TRUE_ID[:-1]}é", 7]),
    ("id", ["00000000-0000-7d41-8f2a-5b1e0c9a7d33"]),
    ("ts", [TS.replace("123", "124"), TS.replace("-03-01", "-02-30"), f"{TS}\n", TS.lower()]),
    ("ts", [TS.replace("30:", "60:"), TS.replace("12:", "24:")]),
    ("facts.now", [TS.replace("-03-01", "-02-30"), TS.replace("30:", "60:"), "", 3]),
    ("valid_until", [TS.replace("-03-01", "-02-30"), "later", ""]),
    ("nonce", ["0F" * 16, "0f" * 15, "0f" * 15 + "٣٣"]),
    ("snapshot", ["sha256:" + "5F" * 32, "sha256:", ""]),
    ("kind", ["Decision", "", "key"]),
    ("decision", ["", "Allow", "ask"]),
    ("would", ["", "ask"]),
    ("source", [""]),
    ("engine", [""]),
    ("caller.key", [""]),
    ("caller.address", [""]),
    ("facts.owner", [""]),
    ("reasons.0.code", [""]),
    ("reasons.0.exemption", [""]),
    ("obligations.0.type", [""]),
    ("obligations.0.properties", [["fields"], "mask"]),
    ("call.volume.rows", [2**53, -(2**53), 1.5, 1e30]),
    ("call._sd", [["b", "a"]]),
]


@pytest.mark.parametrize(("path", "values"), WRONG)
def test_it_passes_nothing_wrong(path: str, values: list[object]) -> None:
    """Whatever makes a record none does so also where one like it passed before."""
    known = acquainted(GOOD)
    for value in values:
        leaf = changed(GOOD, path, value)
        assert in_full(leaf) is None, value
        assert known.time(leaf) is None, value


SPELLINGS = [
    (b'"rows":40', b'"rows":040'),
    (b'"rows":40', b'"rows":-0'),
    (b'"rows":40', b'"rows":4e1'),
    (b'"rows":40', b'"rows": 40'),
    (b'"rows":40', b'"rows":+4'),
    (b'"send"', b'"\\u0073end"'),
    (b'"send"', b'"a\x01b"'),
    (b'"send"', b'"a\xff"'),
    (b'"send"', b'"a\xed\xa0\x80"'),
    (b'"send"', b'"x","action":"send"'),
    (b'"key":"pk_7f3a"', b'"key":"x","key":"y"'),
    (b'{"call"', b'{"call" '),
    (b'["a","b"]', b'["a","b",]'),
    (b'["a","b"]', b'["a",]'),
    (b"}", b'}"'),
]


def counting(*counts: bytes) -> list[bytes]:
    """Records that count something, written as said."""
    leaf = spelled(GOOD | {"facts": GOOD["facts"] | {"used": {}}})
    return [leaf.replace(b'"used":{}', b'"used":{%b}' % each) for each in counts]


def test_what_is_counted_has_any_name() -> None:
    """Records that differ in what they count alone are alike: such names have an hour in them."""
    known = Acquaintance()
    for leaf in counting(b'"a 09":1', b'"a 10":2', b'"a 10":2,"b":3', b'"a":-7,"a!":0'):
        assert known.time(leaf) == in_full(leaf) == TS
    assert len(known._made) == 2  # noqa: SLF001 - as above


@pytest.mark.parametrize(
    "counts",
    [
        b'"b":1,"a":2',
        b'"a":1,"a":2',
        b'"a!":1,"a":2',
        b'"a":01,"b":2',
        b'"a":1 ,"b":2',
        b'"a":1.5,"b":2',
        b'"a":1,"b":9007199254740993',
        b'"a":1,"b\x00":2',
        b'"a":1,"b\xff":2',
    ],
)
def test_what_is_counted_stands_in_order(counts: bytes) -> None:
    """Names that may be any still have one spelling: each once, in order."""
    known = Acquaintance()
    first, leaf = counting(b'"a":1,"b":2', counts)
    assert known.time(first) == TS
    assert in_full(leaf) is None
    assert known.time(leaf) is None


def test_members_that_must_be_there_are_no_counters() -> None:
    """A decision's own objects keep their names, whatever is in them."""
    known = acquainted(GOOD | {"call": {"rows": 3}})
    assert known.time(spelled(GOOD | {"call": {"_sd": 3}})) is None
    assert in_full(spelled(GOOD | {"call": {"_sd": 3}})) is None


def test_another_kind_of_the_same_members_is_read_in_full() -> None:
    """An expression is one of decisions: what only they may have is looked at in others."""
    assert acquainted(GOOD).time(changed(GOOD, "kind", "query")) == TS
    item = GOOD | {"id": f"{TRUE_ID}/3"}
    assert acquainted(GOOD).time(spelled(item)) == TS
    assert acquainted(GOOD).time(changed(item, "kind", "query")) is None


@pytest.mark.parametrize(("good", "bad"), SPELLINGS, ids=[repr(bad) for _, bad in SPELLINGS])
def test_it_passes_no_other_spelling(good: bytes, bad: bytes) -> None:
    """One record has one spelling, also where one like it passed before."""
    leaf = spelled(GOOD)
    assert good in leaf
    head, _, rest = leaf.rpartition(good)
    known = acquainted(GOOD)
    assert known.time(head + bad + rest) is None


def test_whatever_lies_beside_a_record_is_for_the_walk() -> None:
    """Records with something kept apart, and those of removals, are never passed."""
    assert acquainted(GOOD).time(spelled(GOOD | {"personal": ["address"]})) is None
    assert acquainted(GOOD).time(spelled(QUERY | {"id": TRUE_ID, "kind": "retention"})) is None


@pytest.mark.parametrize(
    "content",
    [
        QUERY | {"id": TRUE_ID},
        GOOD | {"call": {"_sd": []}},
        GOOD | {"call": {"rows": 10**15}},
        GOOD | {"call": {"path": "a\\b"}},
        GOOD | {"call": {"text": "x" * 9_000}},
        GOOD | {"call": {"deep": json.loads("[" * 600 + "]" * 600)}},
    ],
    ids=["another kind", "digests", "a large integer", "an escape", "long", "deep"],
)
def test_what_is_not_remembered_is_read_in_full(content: dict[str, Any]) -> None:
    """A good record passes, whether or not an expression can be made of it."""
    known = acquainted(content)
    assert known.time(spelled(content)) == TS
    assert not known._made  # noqa: SLF001 - as above


def test_it_does_not_remember_without_end() -> None:
    """Expressions are made of so many records, and of so many of one shape; the rest is read."""
    shaped = [GOOD | {"call": {f"member{n}": "x"}} for n in range(40)]
    known = acquainted(*shaped)
    assert len(known._made) == 16  # noqa: SLF001 - as above
    assert {known.time(spelled(each)) for each in shaped} == {TS}


def test_of_very_different_records_it_remembers_the_first() -> None:
    """The number of expressions has an end."""
    shaped = [GOOD | {"call": {"a": [{}] * n}} for n in range(4)]
    known = Acquaintance(most=2)
    assert [known.time(spelled(each)) for each in shaped] == [TS] * 4
    assert len(known._made) == 2  # noqa: SLF001 - as above
    assert {known.time(spelled(each)) for each in shaped} == {TS}


PLACES = [match.start() for match in re.finditer(rb".", spelled(GOOD), re.DOTALL)]
PIECES = st.sampled_from(
    [b'"', b"\\", b",", b":", b"{", b"}", b"[", b"]", b"0", b"-", b".", b"", b"\n"]
)


@settings(deadline=None, max_examples=600)
@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.integers(0, 4), PIECES | st.binary(max_size=3)),
        max_size=3,
    )
)
def test_the_quick_look_says_what_reading_says(changes: list[tuple[int, int, bytes]]) -> None:
    """However a record is changed, the answer is the same as without any acquaintance."""
    leaf = spelled(GOOD)
    for at, length, piece in changes:
        leaf = leaf[:at] + piece + leaf[at + length :]
    assert KNOWN.time(leaf) == in_full(leaf)


KNOWN = acquainted(GOOD)
