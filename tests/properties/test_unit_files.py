"""What a unit's files cannot say: nothing in them softens anything but the unit's own rules."""

import pytest

from policyd.model.errors import PolicyInvalid
from policyd.policy.load import load_files
from tests.unit.engine.test_cases import files


@pytest.mark.parametrize("name", ["unit.yaml", "access.yaml", "integrations.yaml"])
@pytest.mark.parametrize(
    "said",
    [
        "mode: warn",
        "mode_until: 2026-03-31",
        "rollout: {observe_until: 2026-03-31, owner: it, reason: We need it.}",
        "exemptions: {}",
        "grace_days: 365",
    ],
)
def test_only_it_softens(name: str, said: str) -> None:
    """A mode of the unit, a roll-out, an exemption or a grace is refused in a unit's file."""
    tree, path = files(), f"units/sales/{name}"
    tree[path] = f"{said}\n".encode() + tree[path]
    with pytest.raises(PolicyInvalid) as refused:
        load_files(tree)
    assert {(each.file, each.code) for each in refused.value.findings} == {(path, "unknown-key")}
