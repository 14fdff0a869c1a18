"""What must hold for explanations, in any company and for any call."""

from hypothesis import given

from policyd.engine.decide import Engine
from policyd.engine.explain import explain
from policyd.model.explanation import Check, Outcome
from policyd.model.snapshot import Snapshot
from tests.properties.asking import Asks, asks
from tests.properties.companies import snapshots


@given(snapshots, asks)
def test_an_explanation_tells_of_the_decision(snapshot: Snapshot, asked: Asks) -> None:
    """It has the decision's outcome and all its reasons, and a check fails exactly by them."""
    engine = Engine(snapshot)
    for call, facts in asked:
        decision = engine.decide(call, facts)

        told = explain(engine, engine.open(call, facts.now), facts)

        assert told.would == ("allow" if decision.allow else "deny")
        reasons = [reason for check in told.checks for reason in check.reasons]
        assert sorted(map(repr, reasons)) == sorted(
            map(repr, (*decision.reasons, *decision.softened))
        )
        assert told.obligations == decision.obligations
        for check in told.checks:
            _check_outcome(check)
        if all(check.outcome is not Outcome.FAILED for check in told.checks):
            assert decision.allow


def _check_outcome(check: Check) -> None:
    in_force = [reason for reason in check.reasons if reason.is_in_force]
    assert (check.outcome is Outcome.FAILED) == bool(in_force)
    assert (check.outcome is Outcome.SOFTENED) == (bool(check.reasons) and not in_force)
    for near in check.near:
        assert near.misses
        assert near.ground.ref not in {ground.ref for ground in check.grounds} or (
            near.ground.ref.startswith("destination:")
        )
