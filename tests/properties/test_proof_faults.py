"""The comparison of the proof with the engine finds each of these faults of the encoding."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from policyd.proof.reading import Reading
from policyd.proof.side import Side
from tests.properties.proof_soak import run_batch
from tests.properties.test_proof import is_found

pytestmark = pytest.mark.slow

SEED, SIZE, BATCHES = 20261121, 5, 60
SOONEST = {"what an exemption lifts": 57, "limits": 5}
"""Batches to begin with where the first does not meet the fault; from there it goes round."""


def _nothing(*_: object) -> tuple[()]:
    return ()


def _always(side: Side, *_: object) -> int:
    return side.moments.all


def _without(part: str) -> Callable[..., object]:
    """The row of the flow table without a part of it."""
    whole = Reading._zoned  # noqa: SLF001 - a fault is planted inside
    empty: Any = (0, ()) if part == "above" else ()
    return lambda reading, each: whole(reading, each)._replace(**{part: empty})


def _anywhere(*_: object) -> bool:
    return True


FAULTS: dict[str, tuple[type[object], str, Callable[..., object]]] = {
    "what the owner of the data forbids": (Reading, "_owner_forbids", _nothing),
    "what an exemption lifts": (Reading, "_lifts", _nothing),
    "what the list of destinations bars": (Reading, "_place_bars", _nothing),
    "limits": (Reading, "_limited", _nothing),
    "duties": (Reading, "_required", _nothing),
    "what never enters a zone": (Reading, "_zoned", _without("bars")),
    "the clearance of a zone": (Reading, "_zoned", _without("above")),
    "who, where and in which stage": (Reading, "_speaks", _anywhere),
    "modes that end": (Side, "enforced", _always),
    "windows of time": (Side, "spoken", _always),
}


@pytest.mark.parametrize("forgotten", FAULTS)
def test_what_the_encoding_forgets_is_found(
    forgotten: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof that does not know of a part of the decision is contradicted by some pair."""
    monkeypatch.setattr(*FAULTS[forgotten])
    seen: Counter[str] = Counter()
    for number in range(BATCHES):
        batch = (SOONEST.get(forgotten, 0) + number) % BATCHES
        run_batch((SEED, batch, SIZE), seen, is_found)
        if seen["disagreements"]:
            return
    pytest.fail(f"nobody misses {forgotten} in {seen['pairs']} pairs")
