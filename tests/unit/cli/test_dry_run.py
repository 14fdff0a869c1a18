"""Trying a call on policy files."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from policyd.cli.dry_run import would_answer
from policyd.model.errors import CallMalformed, CallTooLarge, PolicyInvalid, UsageError

POLICIES = Path(__file__).parents[3] / "policies"
CALL: dict[str, Any] = {
    "subject": {"type": "integration", "id": "plants/dock-slots"},
    "action": {"name": "send"},
    "resource": {
        "type": "dataset",
        "id": "erp/delivery-notes",
        "properties": {"fields": ["note_no", "plate"]},
    },
    "context": {
        "endpoint": "dock-booking/slots",
        "method": "POST",
        "supported_obligations": ["mask"],
        "policyd": {"include": ["reasons", "valid-until"]},
    },
}


def test_answers_as_the_server_would() -> None:
    """A call that the files let through is an allow with its obligations and its snapshot."""
    answer = would_answer(POLICIES, CALL)
    (duty,) = answer["context"]["obligations"]
    assert answer["decision"] is True
    assert (duty["type"], duty["properties"]) == ("mask", {"fields": ["plate"]})
    assert answer["snapshot"].startswith("sha256:")


def test_says_what_is_in_the_way_in_full() -> None:
    """Files on one's own disk hide nothing: reasons come with their rules and owners."""
    answer = would_answer(POLICIES, CALL | {"resource": {"type": "dataset", "id": "hr/people"}})
    assert answer["decision"] is False
    assert all(reason["owner"] for reason in answer["context"]["reasons"])


def test_an_owner_who_is_gone_is_missed() -> None:
    """A dry run knows who answers for an integration, as the server does."""
    gone = CALL | {"subject": {"type": "integration", "id": "sales/campaign-report"}}
    reasons = would_answer(POLICIES, gone)["context"]["reasons"]
    assert "owner-inactive" in {each["code"] for each in reasons}


def test_holds_for_nothing() -> None:
    """A dry run is valid at no time, so it names none."""
    assert "valid_until" not in would_answer(POLICIES, CALL)["context"]


def test_reads_a_call_as_the_server_does() -> None:
    """What the server would refuse to judge is refused here in the same words."""
    with pytest.raises(CallMalformed, match="control character"):
        would_answer(POLICIES, CALL | {"subject": {"type": "integration", "id": "a/b\x07"}})
    with pytest.raises(CallTooLarge, match="4096"):
        would_answer(POLICIES, CALL | {"subject": {"type": "integration", "id": "x" * 5000}})


def test_a_tree_with_findings_decides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Findings are printed, with the path from here, instead of an answer."""
    tree = tmp_path / "tree"
    shutil.copytree(POLICIES, tree)
    (tree / "guardrails/access.yaml").write_text("forbid: [", encoding="utf-8")
    with pytest.raises(PolicyInvalid):
        would_answer(tree, CALL)
    assert f"{tree}/guardrails/access.yaml:" in capsys.readouterr().err


def test_needs_a_folder(tmp_path: Path) -> None:
    """A folder that is not there is a mistake of the caller, not a finding."""
    with pytest.raises(UsageError, match="name a policy tree"):
        would_answer(tmp_path / "nowhere", CALL)
