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
    ("it: holds\n    only: [a/b]\n    may: {read: anything}\n", "undeclared-party"),
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


SKIP = """skip: {reason: Later on., owner: ciso, until: 2026-01-01}
    never: {read: anything}
"""
MORE = [
    ("it: holds\n    exactly: [hr/pay-run]\n", "test-incomplete"),
    ("it: holds\n    within: {read: anything}\n", "test-incomplete"),
    (
        "it: holds\n    never: {read: anything}\n    within: {read: anything}\n",
        "test-without-effect",
    ),
    (
        "it: holds\n    never: {read: anything}\n    because: [outside-ceiling]\n",
        "test-without-effect",
    ),
    (f"it: holds\n    {GOOD}    because: [outside-ceiling]\n", "test-without-effect"),
    (f"it: holds\n    {GOOD}    obligations: {{}}\n    without: [mask]\n", "test-without-effect"),
    (
        f"it: holds\n    {GOOD}".replace("allow", "deny") + "    including: {mask: [x]}\n",
        "test-without-effect",
    ),
    ("it: holds\n    exactly: [hr, nobody]\n    may: {read: anything}\n", "undeclared-party"),
    ("it: holds\n    same_as: v1\n    within: {read: [epr/*]}\n", "undeclared-dataset"),
    (
        f"it: holds\n    {SKIP.replace('ciso', 'nobody')}",
        "undeclared-owner",
    ),
    (
        f"it: holds\n    {SKIP.replace('01-01', '02-30')}",
        "bad-date",
    ),
    ("it: holds\n    try: {like: a mail}\n    expect: deny\n", "undeclared-calls"),
    (f"it: holds\n    {GOOD}".replace("}", ", labels: [persona]}"), "undeclared-label"),
    (f"it: holds\n    {GOOD}".replace("}", ", sources: [crm/contacts]}"), "test-incomplete"),
    ("it: holds\n    try: {read: erp/sales-orders}\n    expect: deny\n", "test-incomplete"),
]


@pytest.mark.parametrize(("text", "code"), MORE, ids=[f"{n} {c}" for n, (_, c) in enumerate(MORE)])
def test_what_else_is_wrong(tmp_path: Path, snapshot: Snapshot, text: str, code: str) -> None:
    """Whatever says nothing where it stands is a finding: it would look like a promise."""
    assert code in [e.partition(" ")[2] for e in found(tmp_path, snapshot, f"{HEAD}  - {text}")]


MAIL = "{who: sales/campaign-mailer, send: crm/contacts, fields: [email], to: newsletter/api}"
LIKE = "tests:\n  - it: holds\n    try: {like: a mailing, %s}\n    expect: allow\n"


def like(tmp_path: Path, snapshot: Snapshot, said: str) -> list[object]:
    """Who does what with what in a table that is like a mailing, and says more."""
    (tmp_path / "tests").mkdir(exist_ok=True)
    head = HEAD.replace("tests:\n", f"calls:\n  a mailing: {MAIL}\n")
    (tmp_path / "tests/ours_test.yaml").write_text(head + LIKE % said)
    (test,), findings = read_suites(tmp_path, snapshot)
    assert findings == []
    table = test.entry.try_
    assert table
    return [table.who, table.send, table.read, table.fields, table.rows, table.to]


def test_calls_that_are_like_others(tmp_path: Path, snapshot: Snapshot) -> None:
    """A table by name is taken whole, but for what is said in its place."""
    mailer, contacts, place = ["sales/campaign-mailer"], ["crm/contacts"], ["newsletter/api"]
    assert like(tmp_path, snapshot, "rows: 3") == [mailer, contacts, None, ["email"], 3, place]
    assert like(tmp_path, snapshot, "who: [hr/pay-run]")[0] == ["hr/pay-run"]
    read = like(tmp_path, snapshot, "read: crm/contacts")
    assert read == [mailer, None, contacts, ["email"], None, None]


def test_calls_that_suites_share(tmp_path: Path, snapshot: Snapshot) -> None:
    """`calls.yaml` is for the suites of its own folder, and has no name that they have."""
    for folder in ("tests", "units/hr/tests"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "ours_test.yaml").write_text(
            HEAD + LIKE.removeprefix("tests:\n") % "rows: 1"
        )
    shared = tmp_path / "tests/calls.yaml"
    shared.write_text(f"calls:\n  a mailing: {MAIL}\n")

    tests, findings = read_suites(tmp_path, snapshot)
    assert [each.place.file for each in tests] == ["tests/ours_test.yaml"]
    assert [(each.file, each.code) for each in findings] == [
        ("units/hr/tests/ours_test.yaml", "undeclared-calls")
    ]

    own = HEAD.replace("tests:\n", f"calls:\n  a mailing: {MAIL}\n") + LIKE % "rows: 1"
    (tmp_path / "tests/ours_test.yaml").write_text(own)
    shared.write_text(
        f"calls:\n  a mailing: {MAIL}\n  b: {{like: a mailing}}\n  c c: {{like: a mailing}}\n"
        f"  two: {MAIL.replace('crm', 'cmr').replace(', to: newsletter/api', '')}\n"
    )
    assert {(each.file, each.line, each.code) for each in read_suites(tmp_path, snapshot)[1]} >= {
        ("tests/calls.yaml", 3, "bad-value"),
        ("tests/calls.yaml", 4, "test-incomplete"),
        ("tests/calls.yaml", 5, "test-incomplete"),
        ("tests/calls.yaml", 5, "undeclared-dataset"),
        ("tests/ours_test.yaml", 4, "name-taken"),
    }
