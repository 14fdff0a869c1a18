"""Personal fields: what is named leaves the record, and nothing else does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from policyd.ledger.personal import FIELDS, Personal
from policyd.ledger.record import (
    MAX_RECORD,
    Admin,
    Call,
    Caller,
    Destination,
    Entity,
    Hold,
    Labels,
    Query,
    RecordTooLarge,
    Refusal,
    Refusals,
    Scope,
    encode,
    stamped,
)
from policyd.ledger.stamp import Stamper
from policyd_audit.disclosure import reveal
from policyd_audit.record import parse

if TYPE_CHECKING:
    from tests.unit.ledger.conftest import Clock, Entropy


@pytest.fixture
def stamp(clock: Clock, entropy: Entropy) -> dict[str, Any]:
    """The members that every record has."""
    return stamped(Stamper(None, clock, entropy).draw())


def query(stamp: dict[str, Any], text: str = "id:x") -> bytes:
    """The record of a look at the log."""
    return encode(Query(**stamp, caller=Caller(key="k", address="10.0.0.4"), text=text, rows=1))


def test_what_is_named_is_hidden(stamp: dict[str, Any], entropy: Entropy) -> None:
    """Values go, names and digests come; the disclosures bring the record back as it was."""
    leaf = query(stamp)
    hidden, disclosures = Personal({"address", "text"}, entropy).hide(leaf)
    record = parse(hidden)
    assert record["personal"] == ["address", "text"]
    assert b"10.0.0.4" not in hidden
    assert len(disclosures) == 2
    revealed = dict(reveal(record, disclosures).record)
    assert revealed.pop("personal") == ["address", "text"]
    assert revealed == json.loads(leaf)


def test_nothing_named_nothing_changed(stamp: dict[str, Any], entropy: Entropy) -> None:
    """A record without any of what is named keeps its very bytes."""
    for leaf in (query(stamp), encode(Admin(**stamp, act="a", target='"subject":', by="k"))):
        assert Personal({"subject", "purpose"}, entropy).hide(leaf) == (leaf, ())


def test_what_is_hidden_is_spelt_as_records_are(stamp: dict[str, Any], entropy: Entropy) -> None:
    """The leaf has the one spelling of records, whatever letters are in it."""
    hidden, _ = Personal({"address"}, entropy).hide(query(stamp, 'Zoë "\\\u2028\U0001f600'))
    assert parse(hidden)["text"] == 'Zoë "\\\u2028\U0001f600'


def test_salts_are_never_the_same(stamp: dict[str, Any]) -> None:
    """The same value twice has two digests of 128 bits of salt each."""
    personal = Personal({"address"})
    made = [personal.hide(query(stamp)) for _ in range(50)]
    assert len({leaf for leaf, _ in made}) == 50
    assert {len(msgspec.json.decode(found)[0]) for _, (found,) in made} == {22}


def call(**more: Any) -> Call:  # noqa: ANN401 - as `Call` takes it
    """A call."""
    of = {"action": "send", "system": "s", "dataset": "s/d", "subject": "hr/pay-run"}
    return Call(**of | more, labels=Labels(), destination=Destination())


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (call(), []),
        (call(subject="ida", subject_type="user"), ["subject"]),
        (call(on_behalf_of=(Entity(type="user", id="ida"),)), ["on_behalf_of"]),
        (call(purpose="p", request_id="r"), ["purpose", "request_id"]),
    ],
)
def test_an_integration_is_nobodys_name(
    stamp: dict[str, Any], entropy: Entropy, asked: Call, names: list[str]
) -> None:
    """The subject is hidden only where it names something else than an integration."""
    leaf = json.dumps(stamp | {"call": msgspec.to_builtins(asked), "kind": "x"}).encode()
    hidden, _ = Personal(FIELDS, entropy).hide(leaf)
    assert json.loads(hidden).get("personal", []) == names


def test_addresses_of_refusals(stamp: dict[str, Any], entropy: Entropy) -> None:
    """Each address is kept apart by itself."""
    counts = tuple(Refusal(address=f"10.0.0.{at}", code="c", count=1) for at in range(3))
    leaf = encode(Refusals(**stamp, since=stamp["ts"], until=stamp["ts"], counts=counts))
    hidden, disclosures = Personal({"address"}, entropy).hide(leaf)
    values = [value for _, value in reveal(json.loads(hidden), disclosures).values]
    assert values == ["10.0.0.0", "10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize(
    ("fields", "names"),
    [({"on_behalf_of"}, ["subject"]), ({"subject"}, ["subject"]), ({"text"}, [])],
)
def test_whom_a_hold_is_on(
    stamp: dict[str, Any], entropy: Entropy, fields: set[str], names: list[str]
) -> None:
    """Where subjects are kept apart, the record of a hold does not name them either."""
    scope = Scope(subject="user:ida")
    leaf = encode(Hold(**stamp, act="placed", name="n", by="k", reason="r", scope=scope))
    hidden, _ = Personal(fields, entropy).hide(leaf)
    assert json.loads(hidden).get("personal", []) == names


def test_digests_count(stamp: dict[str, Any], entropy: Entropy) -> None:
    """A record that its digests make too long is refused, like any other."""
    leaf = query(stamp, "x" * (MAX_RECORD - len(query(stamp, ""))))
    assert len(leaf) == MAX_RECORD
    with pytest.raises(RecordTooLarge):
        Personal({"address"}, entropy).hide(leaf)
