"""The default protection of systems of record: three rules that nothing may narrow."""

from pathlib import Path

import pytest

from policyd.model.errors import PolicyInvalid
from policyd.policy.load import load_files

MINIMAL = Path(__file__).parents[2] / "cases" / "policies" / "minimal"
ACCESS = "guardrails/access.yaml"
FILES = {
    each.relative_to(MINIMAL).as_posix(): each.read_bytes()
    for each in MINIMAL.rglob("*")
    if each.is_file()
}
NARROWER = (
    ("who: everyone", "who: [reader]"),
    ("who: everyone", "who: everyone\n    except: [reader]"),
    ("write: anything", "write: [books/*]"),
    ("delete: anything", "delete: [books/*]"),
    ("    delete: anything\n", ""),
    ("in_systems_of: record", "in_systems_of: engagement"),
    ("in_systems_of: record", "in_systems_of: record\n    label_at_least: internal"),
    ("in_systems_of: record", "in_systems_of: record\n    label_at_most: internal"),
    ("in_systems_of: record", "in_systems_of: record\n    category: [personal]"),
    ("in_systems_of: record", "in_systems_of: record\n    outside: [office]"),
    ("in_systems_of: record", "in_systems_of: record\n    mode: warn\n    mode_until: 2030-12-31"),
)


def codes(old: str, new: str, *, rule: str) -> list[str]:
    """Codes of the findings after *old* was replaced in the rule that starts with *rule*."""
    before, found, after = FILES[ACCESS].decode().partition(rule)
    assert found
    assert old in after
    text = before + found + after.replace(old, new, 1)
    try:
        load_files(FILES | {ACCESS: text.encode()})
    except PolicyInvalid as invalid:
        return [each.code for each in invalid.findings]
    return []


@pytest.mark.parametrize(("old", "new"), NARROWER)
@pytest.mark.parametrize("rule", ["freeze:", "trials:", "changes:"])
def test_a_narrowed_rule_protects_no_longer(rule: str, old: str, new: str) -> None:
    """Whatever narrows or softens one of the three leaves some change of some record open."""
    assert codes(old, new, rule=rule) == ["records-unprotected"]


def test_a_freeze_for_trials_only_is_no_freeze() -> None:
    """Production integrations must rest, too."""
    found = codes("during: [year-end]", "during: [year-end]\n    stage: sandbox", rule="freeze:")
    assert found == ["records-unprotected"]


def test_trials_kept_out_for_a_while_are_not_kept_out() -> None:
    """A trial changes no record at any time."""
    found = codes("stage: sandbox", "stage: sandbox\n    during: [year-end]", rule="trials:")
    assert found == ["records-unprotected"]


def test_office_hours_are_no_freeze() -> None:
    """A freeze is dated; hours come back every week."""
    found = codes("during: [year-end]", "during: [office]", rule="freeze:")
    assert found == ["records-unprotected"]


@pytest.mark.parametrize("word", ["stage: sandbox", "during: [office]"])
def test_changes_limited_for_some_are_not_limited(word: str) -> None:
    """A limit for trials, or for office hours, leaves the others without one."""
    found = codes("calls: 600", f"calls: 600\n    {word}", rule="changes:")
    assert found == ["records-unprotected"]


def test_rows_are_no_number_of_changes() -> None:
    """Whoever changes row by row would never come to the limit."""
    assert codes("calls: 600", "rows: 600", rule="changes:") == ["records-unprotected"]


def test_what_is_in_force_by_its_own_word_protects() -> None:
    """`enforce` says what saying nothing says."""
    assert codes("calls: 600", "calls: 600\n    mode: enforce", rule="changes:") == []


def test_a_rule_may_do_more_than_protect() -> None:
    """Reading and sending may be forbidden by the same rule, in more than one stretch of time."""
    assert codes("write: anything", "write: anything\n    read: anything", rule="freeze:") == []
    assert codes("during: [year-end]", "during: [year-end, office]", rule="freeze:") == []
