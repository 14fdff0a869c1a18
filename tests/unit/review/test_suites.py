"""Policy tests as they are read: what is wrong with one, and where."""

import shutil
from pathlib import Path

import pytest

from policyd.model.snapshot import Snapshot
from policyd.policy.load import load
from policyd.review.suites import read_suites
from tests.servers import POLICIES

HEAD = "suite: Ours\nnow: 2026-03-02T09:00:00+01:00\ntests:\n"
GOOD = "try: {who: sales/sales-cube, read: erp/sales-orders}\n    expect: allow\n"


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """The sample company."""
    return load(POLICIES)


def found(tmp_path: Path, snapshot: Snapshot, text: str) -> list[str]:
    """The findings of a tree whose only suite is *text*."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/ours_test.yaml").write_text(text)
    return [f"{each.line} {each.code}" for each in read_suites(tmp_path, snapshot)[1]]


BAD = [
    ("it: holds\n", "test-incomplete"),
    (f"it: holds\n    {GOOD}    never: {{read: anything}}\n", "test-incomplete"),
    ("it: holds\n    only: [sales/sales-cube]\n", "test-incomplete"),
    ("it: holds\n    try: {who: sales/sales-cube}\n    expect: deny\n", "test-incomplete"),
    (f"it: holds\n    {GOOD}".replace("read:", "send:"), "test-incomplete"),
    (f"it: holds\n    {GOOD}".replace("}", ", to: crm/api}"), "test-incomplete"),
    (f"it: holds\n    {GOOD}".replace("sales/sales-cube", "[]"), "bad-value"),
    (f"it: holds\n    {GOOD}".replace("sales-cube", "sales-tube"), "undeclared-integration"),
    (f"it: holds\n    {GOOD}".replace("sales-orders", "orders"), "undeclared-dataset"),
    (f"it: holds\n    {GOOD}".replace("}", ", at: erp/odatta}"), "undeclared-connection"),
    (f"it: holds\n    {GOOD}    because: [outside-sealing]\n", "undeclared-reason"),
    (f"it: holds\n    {GOOD}    would_deny: [guardrail:none]\n", "undeclared-reason"),
    (f"it: holds\n    {GOOD}    lifted: [EX-0]\n", "undeclared-exemption"),
    (f"it: holds\n    {GOOD}    used: {{guardrail:none: 3}}\n", "undeclared-limit"),
    ("it: holds\n    only: [a/b]\n    may: {read: anything}\n", "undeclared-integration"),
    (f"it: holds\n    {GOOD}    expext: deny\n", "unknown-key"),
    ("it: holds\n    never: {read: [erp/order]}\n", "undeclared-dataset"),
    ("it: holds\n    never: {read: [epr/*]}\n", "undeclared-dataset"),
    ("it: holds\n    never: {send: anything, to: [crn]}\n", "undeclared-destination"),
    ("it: holds\n    never: {send: anything, to_zone: [parner]}\n", "undeclared-zone"),
    ("it: holds\n    never: {send: anything, category: [helth]}\n", "undeclared-category"),
    ("it: holds\n    only: [hr/pay-run]\n    may: {read: [erp/x]}\n", "undeclared-dataset"),
]


@pytest.mark.parametrize(("text", "code"), BAD, ids=[f"{n} {c}" for n, (_, c) in enumerate(BAD)])
def test_what_is_wrong_with_a_suite(
    tmp_path: Path, snapshot: Snapshot, text: str, code: str
) -> None:
    """Whatever would make a test hold by mistake is a finding, with its place."""
    findings = found(tmp_path, snapshot, f"{HEAD}  - {text}")

    assert code in [each.partition(" ")[2] for each in findings]
    assert all(int(each.partition(" ")[0]) > 3 for each in findings)


def test_strangers_may_be_tried_on_purpose(tmp_path: Path, snapshot: Snapshot) -> None:
    """Who expects `integration-unregistered` or `dataset-unknown` names what is not there."""
    who = "it: holds\n    try: {who: sales/nobody, read: erp/sales-orders}\n    expect: deny\n"
    what = "it: holds too\n    try: {who: sales/sales-cube, read: erp/none}\n    expect: deny\n"
    text = (
        f"{HEAD}  - {who}    because: [integration-unregistered]\n"
        f"  - {what}    because: [dataset-unknown]\n"
    )

    assert found(tmp_path, snapshot, text) == []


def test_a_file_that_cannot_be_read(tmp_path: Path, snapshot: Snapshot) -> None:
    """It is a finding, and the other suites are read."""
    shutil.copytree(POLICIES / "tests", tmp_path / "tests")
    (tmp_path / "tests/gone_test.yaml").symlink_to(tmp_path / "nowhere")

    tests, findings = read_suites(tmp_path, snapshot)

    assert [each.code for each in findings] == ["unreadable-file"]
    assert tests
