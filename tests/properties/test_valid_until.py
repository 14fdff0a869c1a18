"""An answer holds for as long as it says."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from policyd.engine.calendar import MINUTE
from policyd.engine.decide import Engine
from policyd.model.facts import Facts
from policyd.model.snapshot import Snapshot
from tests.properties.asking import Asks, asks
from tests.properties.companies import timed_snapshots
from tests.properties.sampling import share

INSTANT = timedelta(microseconds=1)
within = st.floats(0, 1, exclude_max=True)


@given(timed_snapshots, asks, within)
def test_an_answer_holds_until_it_ends(snapshot: Snapshot, asked: Asks, part: float) -> None:
    """For a minute at most, and at every moment before its end, the same call gets the same."""
    engine = Engine(snapshot)
    for call, now in asked:
        decision = engine.decide(call, now)
        if decision.valid_until is None:
            continue
        assert now.now < decision.valid_until <= now.now + MINUTE
        length = decision.valid_until - now.now
        for later in (now.now + length * part, decision.valid_until - INSTANT):
            again = engine.decide(call, Facts(later))
            assert again._replace(valid_until=decision.valid_until) == decision


def _ends_early(drawn: tuple[Snapshot, Asks]) -> list[bool]:
    """For each call that is allowed, whether its answer ends before a minute is over."""
    snapshot, asked = drawn
    engine = Engine(snapshot)
    ends = [(now.now, engine.decide(call, now).valid_until) for call, now in asked]
    return [end < start + MINUTE for start, end in ends if end]


def test_some_answers_end_early() -> None:
    """The property above is about something: some answers end with a stretch of time."""
    assert share(st.tuples(timed_snapshots, asks), _ends_early, 60) >= 0.05
