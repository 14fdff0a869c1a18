"""The faults of pycasbin that differences are put down to are its own, and are still there."""

import pytest

from tests.properties.casbin.faults import FAULTS, OURS, THEIRS


@pytest.mark.parametrize("code", FAULTS)
def test_the_fault_is_pycasbins(code: str) -> None:
    """pycasbin has the fault; should it lose it, the list becomes shorter."""
    assert FAULTS[code].shows(THEIRS) == FAULTS[code].theirs


@pytest.mark.parametrize("code", FAULTS)
def test_the_fault_is_shared_or_not_as_said(code: str) -> None:
    """`CompiledEnforcer` does what the list says of it."""
    assert FAULTS[code].shows(OURS) == FAULTS[code].ours
