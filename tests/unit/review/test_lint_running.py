"""Running lint: by whose levels, and what a tree without load findings is."""

from datetime import datetime

from policyd.review.lint import registry
from policyd.review.lint.registry import RULES, levels_of, suppressible
from policyd.review.lint.running import lint
from policyd.review.lint.subject import loaded
from tests.lint_trees import subject, tree

NOW = datetime.fromisoformat("2026-03-02T09:00:00+01:00")
FAX = {
    "guardrails/destinations.yaml": "  fax: {zone: outside, hosts: [fax.example], reason: Old.}\n"
}


def test_a_review_lints_by_the_levels_of_its_base() -> None:
    """Whoever turns a rule off in the same change is judged as if it were on."""
    base = subject(tree({"append": {"policyd.yaml": "lint: {PD708: error}\n"}}), NOW)
    head = subject(tree({"append": FAX | {"policyd.yaml": "lint: {PD708: off}\n"}}), NOW)
    assert lint(head) == []
    (found,) = lint(head, levels_of(base.tree.company))
    assert (found.id, found.level) == ("PD708", "error")


def test_every_rule_is_in_the_list_once() -> None:
    """By its id, in order; no two have one name."""
    families = [rule for family in registry._FAMILIES for rule in family.RULES]  # noqa: SLF001 - what the list is made of
    assert len(families) == len(RULES)
    assert [*RULES] == sorted(RULES)
    assert len({rule.name for rule in RULES.values()}) == len(RULES)


def test_what_is_said_of_suppressions_cannot_be_suppressed() -> None:
    """Or the first comment could silence what is wrong with the second."""
    assert not {"PD802", "PD803", "PD804", "PD805"} & {*suppressible()}
    assert "PD702" in suppressible()


def test_a_tree_with_load_findings_is_not_linted() -> None:
    """Half of it would be told wrongly."""
    made, findings = loaded({"policyd.yaml": b"name: [\n"})
    assert made is None
    assert findings


def test_lint_reads_no_clock() -> None:
    """The same tree at the same moment gives the same notices, whenever that is asked."""
    files = tree({"append": FAX})
    assert lint(subject(files, NOW)) == lint(subject(files, NOW))
