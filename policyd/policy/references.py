"""All checks across the files of a tree."""

from collections.abc import Iterator, Sequence

from policyd.model.findings import Finding
from policyd.policy.calendar_references import calendar_findings
from policyd.policy.data_references import data_findings
from policyd.policy.exemption_references import exemption_findings
from policyd.policy.name_references import name_findings
from policyd.policy.names import Names
from policyd.policy.place_references import place_findings
from policyd.policy.protection import protection_findings
from policyd.policy.role_references import role_findings
from policyd.policy.rule_files import RuleFile
from policyd.policy.tree import Tree
from policyd.policy.unit_references import unit_findings


def reference_findings(
    tree: Tree, names: Names, rule_files: Sequence[RuleFile]
) -> Iterator[Finding]:
    """What is wrong between files; silent about files that could not be used by themselves."""
    unusable = {each.file for each in tree.documents() if not each.is_usable}
    for finding in _all(tree, names, rule_files):
        if finding.file not in unusable:
            yield finding
    for each in rule_files:
        yield from each.findings


def _all(tree: Tree, names: Names, rule_files: Sequence[RuleFile]) -> Iterator[Finding]:
    yield from name_findings(tree, names)
    yield from names.owners.check(tree.access, ("owner",), tree.access.content.owner)
    yield from role_findings(tree, names)
    yield from place_findings(tree, names)
    yield from data_findings(tree, names)
    yield from calendar_findings(tree, names)
    yield from unit_findings(tree, names)
    yield from exemption_findings(tree, names, rule_files)
    if tree.access.is_whole and tree.systems.is_whole and tree.calendar.is_whole:
        yield from protection_findings(tree)
