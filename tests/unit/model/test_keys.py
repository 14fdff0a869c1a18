"""Keys: their roles, and for whom they may speak."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from policyd.model.keys import ROLES, Key

KEY = Key(
    id="k1",
    holder="flows",
    kind="service",
    owner="platform",
    roles=frozenset({"pep", "builder"}),
    units=frozenset({"hr"}),
    integrations=frozenset({"sales/cube"}),
    supported_obligations=(),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)

BOUND = [
    ("hr/pay-run", True),
    ("sales/cube", True),
    ("sales/other", False),
    ("hrx/pay-run", False),
    ("hr", True),
    ("", False),
    ("/hr", False),
]


@pytest.mark.parametrize(("integration", "expected"), BOUND)
def test_a_key_speaks_for_what_it_is_bound_to(integration: str, expected: bool) -> None:
    """A key speaks for its integrations and for those of its units, and for no other."""
    assert KEY.speaks_for(integration) is expected


def test_an_unbound_key_speaks_for_nobody() -> None:
    """A key without units and integrations speaks for none."""
    free = replace(KEY, units=frozenset(), integrations=frozenset())
    assert not any(free.speaks_for(integration) for integration, _ in BOUND)


READERS = [
    ("admin builder", "hr", True),
    ("auditor", "", True),
    ("auditor", "hr", False),
    ("builder", "hr", False),
    ("pep author approver", "", False),
]


@pytest.mark.parametrize(("roles", "units", "expected"), READERS, ids=str)
def test_who_reads_all(roles: str, units: str, expected: bool) -> None:
    """An admin does, and an auditor who is not bound, be it to a single integration."""
    bound_to = frozenset(units.split())
    key = replace(KEY, roles=frozenset(roles.split()), units=bound_to, integrations=frozenset())
    assert key.reads_all is expected
    bound = replace(key, integrations=frozenset({"hr/pay-run"}))
    assert bound.reads_all is (expected and "admin" in roles)


@pytest.mark.parametrize("role", ROLES)
def test_roles(role: str) -> None:
    """A key has the roles it was given, and any of several is enough."""
    assert KEY.has_role(role) is (role in {"pep", "builder"})
    assert KEY.has_role(role, "pep")
    assert not KEY.has_role()
