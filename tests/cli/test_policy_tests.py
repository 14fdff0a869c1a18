"""`policyd test`: for a policy owner at the terminal, and for a CI system."""

import shutil
from pathlib import Path

import pytest

from tests.cli.program import POLICIES, Program


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
    assert "tests/ours_test.yaml:1:1: missing-key" in linted.out
