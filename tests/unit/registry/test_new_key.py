"""What a key may be made for."""

from collections.abc import Mapping

import pytest

from policyd.model.errors import UsageError
from policyd.registry.keys import NewKey

FLOWS = {"holder": "flows", "kind": "service", "owner": "platform", "roles": frozenset({"pep"})}
HR = {"units": frozenset({"hr"})}
KIM = {"holder": "Kim Novák", "kind": "person", "roles": frozenset({"admin"})}


@pytest.mark.parametrize(
    "asked",
    [
        FLOWS | HR,
        FLOWS | {"integrations": frozenset({"hr/pay-run"})},
        FLOWS | HR | {"roles": frozenset({"pep", "builder"}), "supported_obligations": ("mask",)},
        FLOWS | {"roles": frozenset({"auditor"})},
        KIM,
        KIM | {"roles": frozenset({"author", "approver", "auditor", "admin"})},
        KIM | {"holder": "x" * 120},
    ],
)
def test_takes_what_the_roles_allow(asked: Mapping[str, object]) -> None:
    """Persons and services get the keys that are meant for them."""
    assert NewKey(**asked).holder == asked["holder"]  # type: ignore[arg-type]  # a table


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (KIM | {"holder": ""}, "1 to 120"),
        (KIM | {"holder": "x" * 121}, "1 to 120"),
        (KIM | {"holder": " kim"}, "no space at the ends"),
        (KIM | {"holder": "kim\n"}, "printable"),
        (KIM | {"holder": "kim\x1b[2J"}, "printable"),
        (KIM | {"holder": "half \ud800"}, "printable"),
        (KIM | {"kind": "robot"}, "not a `robot`"),
        (KIM | {"roles": frozenset()}, "at least one role"),
        (KIM | {"roles": frozenset({"root"})}, "`root` is no role; use pep, builder"),
        (FLOWS | HR | {"owner": None}, "names the owner"),
        (FLOWS | HR | {"owner": ""}, "`` is no name"),
        (FLOWS | {"units": frozenset({"HR"})}, "`HR` is no name"),
        (FLOWS | {"units": frozenset({"hr\n"})}, "is no name"),
        (FLOWS | {"units": frozenset({"x" * 61})}, "is no name"),
        (FLOWS | {"units": frozenset({"*"})}, "`*` is no name"),
        (FLOWS | HR | {"supported_obligations": ("mask me",)}, "`mask me` is no name"),
        (FLOWS | {"integrations": frozenset({"pay-run"})}, "write `unit/integration`"),
        (FLOWS | {"integrations": frozenset({"hr/*"})}, "`hr/*` is no integration"),
        (FLOWS | {"integrations": frozenset({"hr/pay/run"})}, "is no integration"),
        (FLOWS | {"integrations": frozenset({f"hr/{'x' * 61}"})}, "is no integration"),
        (FLOWS, "name at least one"),
        (KIM | {"roles": frozenset({"builder"})}, "name at least one"),
        (FLOWS | {"roles": frozenset({"admin"})}, "are for persons"),
        (FLOWS | {"roles": frozenset({"approver"})}, "are for persons"),
        (FLOWS | {"roles": frozenset({"author"})}, "are for persons"),
    ],
)
def test_refuses_what_nobody_would_answer_for(asked: Mapping[str, object], told: str) -> None:
    """A key that is bound to nothing, has no responsible person or a bad name is refused."""
    with pytest.raises(UsageError) as refused:
        NewKey(**asked)  # type: ignore[arg-type]  # a table
    assert refused.value.code == "key-invalid"
    assert told in refused.value.message
