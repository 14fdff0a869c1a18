"""Regions as a review tells them, and which calls are of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from policyd.model.call import Call
from policyd.policy.load import load_files
from policyd.proof.proving import Region, compare
from policyd.review.replay import outcome_of
from policyd.review.told_regions import Sides, has
from tests.review.golden import goldens, pair_of

GOLDENS = goldens()
READABLE = sorted(set(GOLDENS) - {"misspelt"})  # that one is about a tree with findings


def told(region: Region, side: str) -> dict[str, Any]:
    """The region as a review keeps it."""
    names = ("kind", "callers", "action", "data", "places", "methods", "sources")
    return {"side": side} | {name: getattr(region, name) for name in names}


def examples(name: str) -> Iterator[tuple[dict[str, Any], Call, Sides]]:
    """Of each region of a change, calls that are in it, with what both sides decide."""
    pair = pair_of(GOLDENS[name])
    base, head = (load_files(each.files) for each in (pair.base, pair.head))
    found = compare(base, head, examples=4)
    for side, regions in (("opens", found.opens), ("closes", found.closes)):
        for region in regions:
            for each in (region.witness, *region.more):
                yield told(region, side), each.call, each.decisions


@pytest.mark.parametrize("name", READABLE)
def test_the_calls_of_a_region_are_of_it(name: str) -> None:
    """Each call that a proof shows of a region is found to be in it, and in none the other way."""
    for region, call, sides in examples(name):
        outcome = outcome_of(*sides)
        assert has(region, call, sides, outcome), (region, call, outcome)
        other = "opens" if region["side"] == "closes" else "closes"
        assert not has(region | {"side": other}, call, sides, outcome)


ELSEWHERE: list[dict[str, Any]] = [
    {"callers": ("hr/other",)},
    {"action": "delete"},
    {"data": ("books/other",)},
    {"places": ("elsewhere",)},
    {"methods": ("TRACE",)},
    {"sources": ("books/other",)},
    {"kind": "opens"},
]


@pytest.mark.parametrize("other", ELSEWHERE, ids=lambda each: next(iter(each)))
def test_a_call_that_differs_in_one_part_is_of_another_region(other: dict[str, Any]) -> None:
    """Caller, action, data, place, method, sources, or the kind of what it gains."""
    region, call, sides = next(examples("exemption-extended"))
    outcome = outcome_of(*sides)
    assert has(region, call, sides, outcome)
    assert not has(region | other, call, sides, outcome)
