"""What is not proved, and why: never a guess."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from policyd.model.snapshot import Snapshot
from policyd.proof.proving import Verdict, compare


def test_another_time_zone(sample: Snapshot) -> None:
    """All windows and dates move with the clock, and no one stretch of time is left to compare."""
    moved = replace(sample.calendar, zone=ZoneInfo("Asia/Tokyo"), zone_name="Asia/Tokyo")
    found = compare(sample, replace(sample, calendar=moved))
    assert found.verdict in {Verdict.NOT_PROVED, Verdict.WIDENS}
    assert "the company's clock moves from `Europe/Berlin` to `Asia/Tokyo`" in found.gaps[0]


def test_another_order_of_levels(sample: Snapshot) -> None:
    """`confidential` below `internal` is another company."""
    levels = ("public", "confidential", "internal", "restricted")
    found = compare(sample, replace(sample, vocabulary=replace(sample.vocabulary, levels=levels)))
    assert "the levels of labels stand in another order" in found.gaps


def test_another_model(sample: Snapshot) -> None:
    """Rules that are read in another way are not understood."""
    found = compare(sample, replace(sample, model="[matchers]\nm = true\n"))
    assert found.verdict is Verdict.NOT_PROVED
    assert "casbin model" in found.gaps[0]


def test_too_many_kinds_of_fields(sample: Snapshot) -> None:
    """Nothing is proved of that dataset; the others are looked at all the same."""
    known = sample.datasets["hris/headcount"]
    labels = [
        sample.vocabulary.label(words)
        for level in sample.vocabulary.levels
        for words in ((level,), (level, "personal"), (level, "health"), (level, "payment"))
    ]
    fields = {f"field_no_{n}": label for n, label in enumerate(labels)}
    datasets = {**sample.datasets, known.id: replace(known, fields=fields)}
    found = compare(sample, replace(sample, datasets=datasets))

    assert found.verdict is Verdict.NOT_PROVED
    assert found.gaps == ("`hris/headcount` has 16 kinds of fields",)


def test_a_spent_budget(sample: Snapshot) -> None:
    """What was not looked at is not proved; what was found before stands."""
    nobody = replace(sample, integrations={})
    assert compare(nobody, sample, budget=0).verdict is Verdict.NOT_PROVED
    some = compare(nobody, sample, budget=30)
    assert some.verdict is Verdict.WIDENS
    assert some.gaps == ("there is more to look at than the budget of steps",)


def test_a_call_that_shows_nothing(sample: Snapshot) -> None:
    """A region whose call the engines decide in another way is doubted, not told as a fact."""
    found = compare(replace(sample, integrations={}), sample)
    doubted = tuple(replace(each, is_shown=False) for each in found.opens)

    assert found.verdict is Verdict.WIDENS
    assert replace(found, opens=doubted).verdict is Verdict.MAYBE
    assert replace(found, opens=(*doubted, found.opens[0])).verdict is Verdict.WIDENS


@pytest.mark.parametrize("word", ["public", "/"])
def test_a_word_that_only_one_side_has(sample: Snapshot, word: str) -> None:
    """A new level between others changes nothing for who does not use it."""
    levels = (*sample.vocabulary.levels, "secret")
    wider = replace(sample, vocabulary=replace(sample.vocabulary, levels=levels))
    found = compare(sample, wider)
    assert found.gaps == ()
    assert all(word not in each.witness.call.labels for each in found.opens)
