"""`policyd test`: for a policy owner at the terminal, and for a CI system."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.program import POLICIES, Program
from tests.repositories import Repository


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sample company."""
    return Path(shutil.copytree(POLICIES, tmp_path / "tree"))


def break_test(tree: Path) -> None:
    """Write down as true what is not: that sick leave may be read on the low-code platform."""
    file = tree / "tests/people_test.yaml"
    before, after = file.read_text().split("rows: 1}\n    expect: deny\n", 1)
    rest = after.partition("\n")[2]
    file.write_text(f"{before}rows: 1}}\n    expect: allow\n{rest}")


def test_all_of_the_sample(policyd: Program) -> None:
    """Each test is named, with how many calls it is about."""
    ended = policyd("test", POLICIES)

    assert ended.code == 0
    assert "  ok    knows the CRM by name and by address (3 calls)" in ended.out
    assert "  ok    never lets recipes leave the core (all calls)" in ended.out
    assert "87 passed, 0 failed, 1 skipped" in ended.out


def test_a_failure_shows_what_decided(policyd: Program, tree: Path) -> None:
    """The place, the call, what came instead, every obstacle, and what nearly allows it."""
    break_test(tree)

    ended = policyd("test", tree, "--unit", "hr"), policyd("test", tree, "-k", "whoever is behind")

    assert [each.code for each in ended] == [0, 1]
    for part in (
        "FAIL",
        f"{tree}/tests/people_test.yaml:",
        "hr/joiners-to-tickets read hris/absences (employee_no, kind) at hris/api",
        "expected allow, got deny",
        "label-flow: `kind` has a category (health) that never enters zone `processor`",
        "unit: unit:hr/absences would allow it but for its who",
    ):
        assert part in ended[1].out


def test_what_could_not_be_proved(policyd: Program, tree: Path) -> None:
    """It is neither passed nor failed: 3, and the reason."""
    names = [f"extra-{n}" for n in range(9)]
    added = "".join(f"  {name}: {{units: [hr], reason: More.}}\n" for name in names)
    for name, before, after in (
        ("roles", "roles:\n", f"roles:\n{added}"),
        ("access", "who: [people-reader]", f"who: [people-reader, {', '.join(names)}]"),
    ):
        file = tree / f"guardrails/{name}.yaml"
        file.write_text(file.read_text().replace(before, after, 1))

    ended = policyd("test", tree, "-k", "never lets recipes")

    assert ended.code == 3
    assert "  ????  never lets recipes leave the core (all calls)" in ended.out
    assert "not proved: unit `hr` may give out 12 roles that rules name" in ended.out
    assert "0 passed, 0 failed, 1 not-proved" in ended.out


def test_json_and_junit(policyd: Program, tree: Path) -> None:
    """Programs get the same."""
    break_test(tree)

    ended = policyd("test", tree, "--json", "--junit", tree / "out.xml")

    told = ended.json()
    assert told["counts"]["failed"] == 1
    (failed,) = [each for each in told["tests"] if each["verdict"] == "failed"]
    assert failed["failures"][0]["explanation"]["would"] == "deny"
    assert (tree / "out.xml").read_text().count("<failure") == 1


def test_rules_that_nothing_tried(policyd: Program) -> None:
    """They are counted, and named if asked."""
    ended = policyd("test", POLICIES, "--unit", "sales", "--coverage")
    assert "Rules that no test tried" in ended.out
    assert "  guardrail:payroll-stays-home" in ended.out


def test_what_cannot_be_run(policyd: Program, tree: Path) -> None:
    """An empty selection, a broken suite, a file that cannot be written: 2, with the way out."""
    none = policyd("test", tree, "-k", "no such words")
    unwritable = policyd("test", tree, "--junit", tree / "none/out.xml")
    (tree / "tests/ours_test.yaml").write_text("suite: a\n")
    broken = policyd("test", tree)
    linted = policyd("lint", tree)

    assert [each.code for each in (none, unwritable, broken, linted)] == [2, 2, 2, 1]
    assert "[no-tests]" in none.err
    assert "[file-unwritable]" in unwritable.err
    assert "tests/ours_test.yaml:1:1: missing-key" in broken.err
    assert "tests/ours_test.yaml:1:1: error missing-key" in linted.out


def test_which_tests_are_run(policyd: Program) -> None:
    """By words, suite, unit and file, seen from here or from the tree; each narrows."""
    counts = [
        policyd("test", POLICIES, *narrowed).out.splitlines()[-1]
        for narrowed in (
            ("--suite", "lose nothing"),
            ("--file", "tests/zones_test.yaml"),
            ("--file", POLICIES / "tests/zones_test.yaml", "-k", "discounts"),
            ("--file", "tests/zones_test.yaml", "--file", "units/hr/tests/hr_test.yaml"),
        )
    ]
    assert counts == [f"{n} tests: {n} passed, 0 failed" for n in (8, 4, 1, 8)]


def test_forms(policyd: Program, tree: Path) -> None:
    """One run, printed for a CI system, a summary, a program; the exit code is the same."""
    break_test(tree)
    few = ("test", tree, "--file", "tests/people_test.yaml")
    ended = {each: policyd(*few, "--format", each) for each in ("junit", "markdown", "github")}

    assert {each.code for each in ended.values()} == {1}
    assert ended["junit"].out.startswith("<?xml")
    assert ended["markdown"].out.startswith("### Policy tests: 9 passed, 1 failed\n")
    assert f"::error file={tree}/tests/people_test.yaml,line=" in ended["github"].out
    assert policyd(*few, "--json").out == policyd(*few, "--format", "json").out


def test_rules_changed_since(policyd: Program, tree: Path) -> None:
    """Only these are covered and slipped; what no test notices comes with the test that would."""
    file = tree / "units/webshop/access.yaml"
    file.write_text(file.read_text().replace("stage: production", "stage: sandbox"))
    before = tree / "guardrails/access.yaml"
    text = before.read_text()
    shutil.copytree(tree, tree.parent / "before")
    before.write_text(text.replace("write: [erp/ledger, erp/exchange-rates]", "write: [erp/*]"))
    assert before.read_text() != text

    few = ("test", tree, "--file", "units/finance/tests/finance_test.yaml")
    ended = policyd(*few, "--changed-since", f"{tree.parent}/before", "--mutate", "--coverage")

    assert ended.code == 0
    assert "1 of 1 changed rules were tried, 1 of them decide a test" in ended.out
    assert "  1 of 1 rules slipped: guardrail:books-kept" in ended.err
    assert (
        "Not noticed: guardrail:books-kept with finance-integrator widened to everyone" in ended.out
    )
    assert "\n  - it: does not let plants/" in ended.out
    assert "slips are noticed (" in ended.out.splitlines()[-1]


def test_nothing_is_slipped_while_tests_fail(policyd: Program, tree: Path) -> None:
    """They would notice nothing."""
    break_test(tree)
    ended = policyd("test", tree, "--file", "tests/people_test.yaml", "--mutate")
    assert ended.code == 1
    assert "first let all tests pass" in ended.err


def test_what_cannot_be_compared_with(policyd: Program, tree: Path) -> None:
    """A revision needs a repository; a tree with findings is none to compare with."""
    (tree / "policyd.yaml").write_text("company: x\n")
    ended = [
        policyd("test", POLICIES, "--changed-since", each) for each in ("no-such-tag", f"{tree}")
    ]
    assert [each.code for each in ended] == [2, 2]
    assert "no-such-tag" in ended[0].err or "[no-repository]" in ended[0].err
    assert "[version-invalid]" in ended[1].err


def test_a_test_of_a_witness(policyd: Program, tree: Path) -> None:
    """It is printed so that it can be put at the end of a suite, and holds there."""
    call = {
        "subject": {"type": "integration", "id": "hr/pay-run"},
        "action": "read",
        "resource": {"type": "dataset", "id": "payroll/payslips"},
        "rows": 3,
    }
    told = {"call": call, "now": "2026-03-02T08:00:00+00:00", "used": [{}, {}]}
    review = tree.parent / "review.json"
    review.write_text(json.dumps({"regions": [{"number": 1, "side": "opens", "witness": told}]}))

    ended = policyd("test", tree, "--from-witness", "1", review)
    suite = tree / "tests/zones_test.yaml"
    suite.write_text(suite.read_text() + ended.out)

    assert ended.out.startswith("  # The witness of region 1 of review.json\n  - it: ")
    assert policyd("test", tree, "-k", "hr/pay-run").code == 0
    assert policyd("test", tree, "--from-witness", "1", tree / "none").code == 2


def test_the_same_as_at_the_last_release(policyd: Program, tmp_path: Path) -> None:
    """In a repository the sample's skipped test runs; a branch that asks for less fails it."""
    made = Repository(tmp_path / "company")
    tree = Path(shutil.copytree(POLICIES, made.folder / "policies"))
    suite = tree / "tests/promises_test.yaml"
    suite.write_text(suite.read_text().partition("    skip:")[0])
    made.commit({})
    few = ("test", tree, "-k", "last release")

    early = policyd(*few)
    made.git("tag", "v1.0")
    same = policyd(*few)
    places = tree / "guardrails/access.yaml"
    places.write_text(places.read_text().replace("row-limit: 5000", "row-limit: 9000"))
    more = policyd(*few)

    assert [each.code for each in (early, same, more)] == [3, 0, 1]
    assert "could not be asked: `v1.0` names no commit of this repository" in early.out
    assert "more is allowed than in v1.0: " in more.out
