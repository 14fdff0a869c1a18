"""Records."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyd_audit import record
from policyd_audit.errors import Malformed

TS = "2026-03-01T12:30:00.123456Z"
ID = "019ca944-5e3b-7d41-8f2a-5b1e0c9a7d33"
COMMON = {"v": 1, "id": ID, "ts": TS, "nonce": "0f" * 16}
QUERY = COMMON | {"kind": "query", "text": "decision:deny"}
DECISION = COMMON | {
    "kind": "decision",
    "caller": {"key": "pk_7f3a", "address": "10.0.0.4"},
    "call": {"action": "send"},
    "facts": {"now": TS, "used": {}, "owner": "active"},
    "snapshot": "sha256:" + "5f" * 32,
    "source": "folder policies",
    "engine": "policyd 0.1.0",
    "decision": "allow",
    "would": "deny",
    "reasons": [
        {"code": "over-limit", "check": "limit", "rule": "r", "mode": "warn", "exemption": "e"}
    ],
    "obligations": [{"id": "mask", "type": "mask", "properties": {"fields": ["email"]}}],
    "valid_until": TS,
}
MISSING = object()


def spelled(value: object) -> bytes:
    """The one spelling of a record."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def changed(base: dict[str, Any], path: str, value: object) -> bytes:
    """A record with the member at *path* changed or taken away."""
    copy = json.loads(json.dumps(base))
    *parents, name = path.split(".")
    place = copy
    for parent in parents:
        place = place[int(parent) if parent.isdecimal() else parent]
    if value is MISSING:
        del place[name]
    else:
        place[name] = value
    return spelled(copy)


def refusal(leaf: bytes) -> str:
    """The message with which *leaf* is refused."""
    with pytest.raises(Malformed) as caught:
        record.parse(leaf)
    assert caught.value.code == "record-malformed"
    return caught.value.message


@pytest.mark.parametrize("kind", sorted(record.KINDS - {"decision"}))
def test_every_kind_is_read(kind: str) -> None:
    """A record of each kind, with members of its own, is read as it was written."""
    value = COMMON | {"kind": kind, "more": [{"a": None}]}
    assert record.parse(spelled(value)) == value


def test_a_decision_is_read() -> None:
    """A complete decision is read as it was written."""
    assert record.parse(spelled(DECISION)) == DECISION


@pytest.mark.parametrize(
    "path",
    [
        *("would", "valid_until", "facts.used", "facts.owner"),
        *("reasons.0.rule", "reasons.0.mode", "reasons.0.exemption"),
    ],
)
def test_what_has_no_value_is_absent(path: str) -> None:
    """Optional members may be left out."""
    record.parse(changed(DECISION, path, MISSING))


def test_items_of_a_batch_share_an_id() -> None:
    """The decisions of a batch have the same id with an index."""
    record.parse(changed(DECISION, "id", f"{ID}/199"))


@pytest.mark.parametrize("member", [*COMMON, "kind"])
def test_common_members_are_required(member: str) -> None:
    """No record lacks one of the members that all records have."""
    assert f"`{member}` is missing" in refusal(changed(QUERY, member, MISSING))


@pytest.mark.parametrize(
    "path",
    [
        *("caller", "caller.key", "caller.address", "call", "facts", "facts.now"),
        *("snapshot", "source", "engine", "decision"),
        *("reasons", "reasons.0.code", "reasons.0.check"),
        *("obligations", "obligations.0.id", "obligations.0.type", "obligations.0.properties"),
    ],
)
def test_members_of_a_decision_are_required(path: str) -> None:
    """No decision lacks what it takes to repeat it; the message names the member."""
    name = path.replace(".0", "[0]")
    assert f"`{name}` is missing" in refusal(changed(DECISION, path, MISSING))


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("v", [2, "1", True, None]),
        ("id", [None, 7, "", "41", ID.upper(), ID.replace("-7", "-4"), ID.replace("-8", "-c")]),
        ("id", [f"{ID}/", f"{ID}/01", f"{ID}/-1", f"{ID}/10000", f"{ID}0", f"{ID}\n", f"{ID}/1/2"]),
        ("ts", [None, 0, TS[:-1], TS.replace("Z", "+00:00"), TS.replace("T", " "), TS.lower()]),
        ("ts", [TS.replace(".123456", ".123"), TS.replace("-03-", "-13-"), TS + "\n"]),
        (
            "ts",
            [TS.replace("12:30", "24:00"), TS.replace("2026", "0000"), TS.replace("30:", "60:")],
        ),
        ("kind", [None, "", "Decision", "key", ["decision"]]),
        ("nonce", [None, 0, "0F" * 16, "0f" * 15, "0f" * 16 + "\n"]),
        ("caller", [None, "key", ["key"]]),
        ("caller.key", [None, "", 3]),
        ("caller.address", [None, "", 3]),
        ("call", [None, "send", []]),
        ("facts", [None, TS]),
        ("facts.now", [None, "now", 3]),
        ("facts.used", [None, [], 3]),
        ("facts.owner", [None, "", 3]),
        ("snapshot", [None, 3, "5f" * 32, "sha256:", "sha256:" + "5F" * 32]),
        ("source", [None, "", {}]),
        ("engine", [None, "", {}]),
        ("decision", [None, True, "Allow", "permit", ["allow"]]),
        ("would", [None, False, "ask"]),
        ("valid_until", [None, "later"]),
        ("reasons", [None, {}, ["code"], [[]]]),
        ("reasons.0.code", [None, "", 3]),
        ("reasons.0.check", [None, "", 3]),
        ("reasons.0.rule", [None, "", 3]),
        ("reasons.0.mode", [None, "", 3]),
        ("reasons.0.exemption", [None, "", 3]),
        ("obligations", [None, {}, ["mask"]]),
        ("obligations.0.id", [None, "", 3]),
        ("obligations.0.type", [None, "", 3]),
        ("obligations.0.properties", [None, [], "email"]),
    ],
)
def test_members_have_their_types(path: str, values: list[object]) -> None:
    """A member of another type or form is refused by its name."""
    name = path.replace(".0", "[0]")
    for value in values:
        assert f"`{name}` is not " in refusal(changed(DECISION, path, value)), value


def test_only_decisions_come_in_batches() -> None:
    """The id of any other record has no index."""
    assert "`id` has an index" in refusal(changed(QUERY, "id", f"{ID}/0"))


@pytest.mark.parametrize(
    ("leaf", "why"),
    [
        (b"", "cannot be read as JSON"),
        (b"{", "cannot be read as JSON"),
        (b"\xff", "cannot be read as JSON"),
        (b'\xef\xbb\xbf{"v":1}', "cannot be read as JSON"),
        (json.dumps(QUERY).encode("utf-16"), "cannot be read as JSON"),
        (b"[" * 60_000, "cannot be read as JSON"),
        (b"[" * 30_000 + b"]" * 30_000, "cannot be read as JSON"),
        (b'{"rows":1.0}', "`1.0` is not an integer"),
        (b'{"rows":1e3}', "`1e3` is not an integer"),
        (b'{"rows":NaN}', "`NaN` is not an integer"),
        (b'{"rows":-Infinity}', "`-Infinity` is not an integer"),
        (b'{"rows":9007199254740992}', "an integer is not below 2^53"),
        (b'{"rows":-9007199254740992}', "an integer is not below 2^53"),
        (b'{"rows":' + b"9" * 9_000 + b"}", "cannot be read as JSON"),
        (b'{"rows":-0}', "not in the one spelling"),
        (b'{"a":"\\ud800"}', "cannot be read as JSON"),
        (b'{"a":"\\u0061"}', "not in the one spelling"),
        (b'{"a":"\\/"}', "not in the one spelling"),
        (b'{"v": 1}', "not in the one spelling"),
        (b'{"v":1}\n', "not in the one spelling"),
        (b'{"v":1,"id":2}', "not in the one spelling"),
        (b'{"v":1,"v":1}', "not in the one spelling"),
        (b"[]", "it is not an object"),
        (b"null", "it is not an object"),
        (b'"x"', "it is not an object"),
    ],
    ids=lambda value: repr(value)[-24:],
)
def test_a_record_has_one_spelling(leaf: bytes, why: str) -> None:
    """Whatever two JSON readers could read differently is no record."""
    assert why in refusal(leaf)


def test_a_record_fits_the_length_field_of_a_bundle() -> None:
    """65,535 bytes are a record, one more is none."""
    room = record.MAX_BYTES - len(spelled(QUERY | {"text": ""}))
    record.parse(spelled(QUERY | {"text": "x" * room}))
    assert "more than 65,535" in refusal(spelled(QUERY | {"text": "x" * (room + 1)}))


JSON = st.recursive(
    st.booleans() | st.text() | st.integers(-(2**53) + 1, 2**53 - 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.no_cover  # what it reaches, other tests reach in less time
@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_spelling_is_that_of_the_server(members: dict[str, object]) -> None:
    """What the server's encoder writes, sorted, is the one spelling, whatever a caller sends."""
    leaf = msgspec.json.Encoder(order="sorted").encode(members | QUERY)
    assert record.parse(leaf) == members | QUERY


@settings(deadline=None, max_examples=300)
@given(st.binary() | JSON.map(spelled))
def test_any_bytes_are_a_record_or_malformed(leaf: bytes) -> None:
    """No bytes make parsing raise anything else."""
    with pytest.raises(Malformed):
        record.parse(leaf)
    assert record.claimed_id(leaf) is None or b'"id"' in leaf


def test_id_and_time_carry_the_same_millisecond() -> None:
    """The millisecond of an id and of a time count from the same moment."""
    assert record.ts_millisecond("1970-01-01T00:00:01.234567Z") == 1234
    assert record.id_millisecond("00000000-04d2-7d41-8f2a-5b1e0c9a7d33") == 1234
    assert record.id_millisecond("00000000-04d2-7d41-8f2a-5b1e0c9a7d33/3") == 1234
    assert record.ts_millisecond("1969-12-31T23:59:59.999999Z") == -1


@pytest.mark.parametrize(
    ("leaf", "claimed"),
    [
        (spelled(QUERY), ID),
        (spelled({"id": f"{ID}/3"}), f"{ID}/3"),
        (spelled({"id": "41"}), None),
        (spelled({"id": 41}), None),
        (spelled([ID]), None),
        (b"{", None),
        (b"[" * 60_000, None),
        (b"\xff", None),
    ],
    ids=lambda value: repr(value)[-24:],
)
def test_a_damaged_record_still_gives_its_id(leaf: bytes, claimed: str | None) -> None:
    """Messages can name a record by id as long as the id can be read."""
    assert record.claimed_id(leaf) == claimed
