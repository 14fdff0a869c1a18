"""Obligations: read strictly, and applied to rows."""

import pytest

from policyd.client import Denied
from policyd.client.obligations import (
    SUPPORTED,
    TOKENISE,
    Obligation,
    Treatment,
    read_obligations,
)

SECRET = b"0123456789abcdef"
ALL = (*SUPPORTED, TOKENISE)


def due(kind: str, *fields: str, rows: int = 0) -> Obligation:
    """An obligation."""
    return Obligation(kind, frozenset(fields), rows)


def wire(kind: object, properties: object) -> dict[str, object]:
    """An obligation as the server sends it."""
    return {"id": kind, "type": kind, "properties": properties}


def test_all_known_kinds_are_read() -> None:
    """Each kind is read with what it is about."""
    sent = [
        wire("mask", {"fields": ["name"]}),
        wire("tokenise", {"fields": ["iban"]}),
        wire("drop-fields", {"fields": ["note"]}),
        wire("row-limit", {"rows": 5}),
        wire("log-outcome", {"within": "15m"}),
    ]
    read, problem = read_obligations(sent, ALL)
    assert problem is None
    assert read == (
        due("mask", "name"),
        due("tokenise", "iban"),
        due("drop-fields", "note"),
        due("row-limit", rows=5),
        due("log-outcome"),
    )


@pytest.mark.parametrize(
    "sent",
    [
        [wire("watermark", {})],
        [wire("mask", {"fields": ["a"]}), wire("shred", {"fields": ["a"]})],
        [wire("tokenise", {"fields": ["iban"]})],
        [wire("mask", {"fields": []})],
        [wire("mask", {})],
        [wire("mask", None)],
        [wire("row-limit", {"rows": "5"})],
        [wire("row-limit", {"rows": True})],
        [wire(None, {})],
        ["mask"],
        {"mask": ["a"]},
        None,
    ],
)
def test_what_cannot_be_done_is_never_taken(sent: object) -> None:
    """An unknown kind, one without a secret, or a damaged one is a reason to deny."""
    _, problem = read_obligations(sent, SUPPORTED)
    assert problem
    assert problem.code == "obligation-unknown"


def test_fields_are_masked_and_dropped() -> None:
    """Masked text shows nothing of its length, other values become nothing; the rest stays."""
    treatment = Treatment([due("mask", "name", "age"), due("drop-fields", "note")], (), None)
    row = {"no": 1, "name": "Ada", "age": 36, "note": "x"}
    assert treatment.apply([row]) == [{"no": 1, "name": "***", "age": None}]
    assert row == {"no": 1, "name": "Ada", "age": 36, "note": "x"}


def test_tokens_are_stable_and_keyed() -> None:
    """A value has one token for each field and secret; nothing has none."""
    tokenise = [due("tokenise", "iban", "card")]
    treatment = Treatment(tokenise, (), SECRET)
    one, two = treatment.apply([{"iban": "DE1", "card": "DE1"}, {"iban": "DE1", "card": None}])
    assert one["iban"] == two["iban"] != one["card"]
    assert one["iban"].startswith("tok_")
    assert "DE1" not in one["iban"]
    assert two["card"] is None
    (other,) = Treatment(tokenise, (), b"another secret of some length").apply([{"iban": "DE1"}])
    assert other["iban"] != one["iban"]


@pytest.mark.parametrize("value", [1, "1", 1.0, True, ["1"], {"a": "1"}], ids=repr)
def test_values_of_any_kind_have_tokens_of_their_own(value: object) -> None:
    """A number, a text and a list that look alike have different tokens."""
    treatment = Treatment([due("tokenise", "v")], (), SECRET)
    others = [each for each in (2, "2", ["2"], {"a": "2"}) if each != value]
    tokens = [row["v"] for row in treatment.apply([{"v": each} for each in (value, *others)])]
    assert len(set(tokens)) == len(tokens)


def test_the_strictest_treatment_wins() -> None:
    """Dropping beats tokens, tokens beat masks, in whatever order they come."""
    duties = [due("mask", "a", "b"), due("drop-fields", "a"), due("tokenise", "b", "a")]
    for order in (duties, duties[::-1]):
        (row,) = Treatment(order, (), SECRET).apply([{"a": "x", "b": "y"}])
        assert list(row) == ["b"]
        assert row["b"].startswith("tok_")


def test_a_row_limit_counts_all_pages() -> None:
    """No more rows than the limit go on, however they are handed in."""
    treatment = Treatment([due("row-limit", rows=3)], (), None)
    pages = [treatment.apply([{"n": n} for n in range(2)]) for _ in range(3)]
    assert [len(page) for page in pages] == [2, 1, 0]


def test_a_field_that_was_not_named_goes_nowhere() -> None:
    """A renamed field does not slip past its treatment."""
    treatment = Treatment([due("mask", "name")], ("no", "name"), None)
    with pytest.raises(Denied, match="full_name") as caught:
        treatment.apply([{"no": 1, "full_name": "Ada"}])
    assert caught.value.code == "fields-not-covered"


def test_without_duties_rows_need_not_be_handed_in() -> None:
    """Only duties about rows make `apply` due."""
    assert not Treatment([due("log-outcome")], (), None).is_due
    assert Treatment([due("row-limit", rows=1)], (), None).is_due
