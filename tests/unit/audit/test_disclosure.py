"""Disclosures: what is shown is what was recorded, and what was erased is known by name."""

from typing import Any

import pytest

from policyd_audit.disclosure import (
    act_of,
    are_digests,
    digest,
    encoded,
    erased,
    reveal,
)
from policyd_audit.errors import Contradiction, Malformed
from tests.disclosures import disclosure

ADDRESS = disclosure("c2FsdC1vbmU", "address", "10.0.0.4")
PURPOSE = disclosure("c2FsdC10d28", "purpose", "asked for by Möller")
OTHER = disclosure("c2FsdC10aHJlZQ", "address", "10.0.0.5")
RECORD: dict[str, Any] = {
    "call": {"_sd": [digest(PURPOSE)], "action": "send", "fields": ["a"]},
    "caller": {"_sd": [digest(ADDRESS)], "key": "k"},
    "personal": ["address", "purpose"],
}
COUNTS: dict[str, Any] = {
    "counts": [{"_sd": [digest(each)], "code": "x"} for each in (ADDRESS, OTHER)],
    "personal": ["address"],
}


def test_the_vector_of_the_standard() -> None:
    """Disclosure and digest are those of RFC 9901, section 4.2."""
    data = '["_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"]'.encode()
    wanted = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    assert encoded(data) == wanted
    assert digest(data) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"


def test_all_disclosed() -> None:
    """Each value comes to the place it was taken from, and nothing is hidden."""
    revealed = reveal(RECORD, [ADDRESS, PURPOSE])
    assert revealed.record["call"] == {
        "action": "send",
        "fields": ["a"],
        "purpose": "asked for by Möller",
    }
    assert revealed.record["caller"] == {"address": "10.0.0.4", "key": "k"}
    assert revealed.values == (
        ("call.purpose", "asked for by Möller"),
        ("caller.address", "10.0.0.4"),
    )
    assert (revealed.hidden, revealed.erased, revealed.lost) == ((), (), 0)


def test_some_erased() -> None:
    """What was erased is named, with the record of the act."""
    revealed = reveal(RECORD, [ADDRESS, erased(812, len(PURPOSE))])
    assert revealed.hidden == ("purpose",)
    assert (revealed.erased, revealed.lost) == (((812, 1),), 0)


def test_some_lost() -> None:
    """What is not there though nobody erased it is counted."""
    revealed = reveal(RECORD, [ADDRESS])
    assert (revealed.hidden, revealed.lost) == (("purpose",), 1)


def test_several_of_one_name() -> None:
    """Members of one name in a list are told apart by their places only."""
    revealed = reveal(COUNTS, [ADDRESS, OTHER])
    assert [value for _, value in revealed.values] == ["10.0.0.4", "10.0.0.5"]
    assert reveal(COUNTS, [ADDRESS, erased(7, len(OTHER))]).hidden == ("address",)


def test_a_record_without_names() -> None:
    """Who hides without saying what is told that something is hidden, no more."""
    revealed = reveal({"_sd": [digest(ADDRESS)], "personal": [3]}, [])
    assert (revealed.hidden, revealed.lost) == ((), 1)


def test_erased_leaves_nothing() -> None:
    """What stands in the place of an erased value has its length, the act, and nothing else."""
    left = erased(812, 60)
    assert (len(left), act_of(left), left[9:]) == (60, 812, bytes(51))
    assert act_of(ADDRESS) is None


@pytest.mark.parametrize(
    "other",
    [
        disclosure("c2FsdC1vbmU", "address", "10.0.0.9"),
        disclosure("b3RoZXI", "address", "10.0.0.4"),
        disclosure("c2FsdC1vbmU", "purpose", "10.0.0.4"),
    ],
    ids=["value", "salt", "name"],
)
def test_another_value_is_caught(other: bytes) -> None:
    """A disclosure with another value, salt or name is not what was recorded."""
    with pytest.raises(Contradiction, match="is not what was recorded") as caught:
        reveal(RECORD, [other, PURPOSE])
    assert caught.value.code == "disclosure-differs"


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b'["a","b"]', b'["a",1,"c"]', b"[" * 10_000])
def test_no_disclosure(data: bytes) -> None:
    """What is no list of salt, name and value is malformed, whatever else it is."""
    with pytest.raises(Malformed, match="not a list of salt, name, value"):
        reveal(RECORD, [data])


def test_a_name_that_is_there_already() -> None:
    """A digest cannot replace a member that is shown (RFC 9901, section 7.1)."""
    with pytest.raises(Malformed, match=r"`caller\.address` is there twice"):
        reveal({"caller": {"_sd": [digest(ADDRESS)], "address": "x"}}, [ADDRESS])


def test_digests_that_are_none() -> None:
    """A member `_sd` that is not a list of digests is malformed."""
    with pytest.raises(Malformed, match="`_sd` is not a list of digests"):
        reveal({"_sd": ["x"]}, [])


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        ([], True),
        (sorted([digest(ADDRESS), digest(OTHER)]), True),
        (sorted([digest(ADDRESS), digest(OTHER)], reverse=True), False),
        ([digest(ADDRESS)] * 2, False),
        ([digest(ADDRESS) + "="], False),
        ([3], False),
        (None, False),
        ("x", False),
    ],
)
def test_what_can_be_digests(value: object, fine: object) -> None:
    """Digests stand in order, each once, so that their order tells nothing."""
    assert are_digests(value) is fine
