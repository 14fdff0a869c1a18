"""Whether exemptions lift what can be lifted, name what is declared, end, and had four eyes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from policyd.model.findings import Finding
from policyd.model.rules import ACTIONS, Rule, Section
from policyd.policy import times
from policyd.policy.documents import Path
from policyd.policy.guardrail_shapes import ExemptionEntry
from policyd.policy.names import Declared, Names
from policyd.policy.rule_files import RuleFile
from policyd.policy.rule_shapes import ScopeShape
from policyd.policy.rule_wording import action_findings
from policyd.policy.tree import Tree
from policyd.policy.wording import did_you_mean

CELL = "zone:"
"""How references of cells of the flow table begin: `zone:partner/personal`."""
CLEARANCE = "clearance"


def exemption_findings(
    tree: Tree, names: Names, rule_files: Sequence[RuleFile]
) -> Iterator[Finding]:
    """Everything wrong with guardrails/exemptions.yaml by its words, names and days."""
    read = tree.exemptions
    yield from names.owners.check(read, ("owner",), read.content.owner)
    if not read.content.exemptions:
        return
    lifted = lifted_rules(tree, rule_files)
    refs = Declared("rule", "the tree", _refs(rule_files))
    for name, entry in read.content.exemptions.items():
        path: Path = ("exemptions", name)
        if entry.lifts.startswith(CELL):
            yield from _cell(tree, (*path, "lifts"), entry.lifts, names)
        else:
            yield from refs.check(read, (*path, "lifts"), entry.lifts)
            yield from _liftable(tree, (*path, "lifts"), lifted.get(entry.lifts))
        yield from _scope(tree, (*path, "for"), entry.for_, names)
        yield from _days(tree, path, entry)
        yield from _people(tree, path, entry, names)


def lifted_rules(tree: Tree, rule_files: Sequence[RuleFile]) -> Mapping[str, Rule]:
    """The rules that exemptions lift, by reference."""
    lifts = {entry.lifts for entry in tree.exemptions.content.exemptions.values()}
    asked = (each for each in rule_files if not lifts.isdisjoint(each.refs or ()))
    return {rule.ref: rule for each in asked for rule in each.rules if rule.ref in lifts}


def _refs(rule_files: Sequence[RuleFile]) -> frozenset[str] | None:
    """References of all rules; None if a broken file hides some."""
    refs = [each.refs for each in rule_files if each.refs is not None]
    return frozenset().union(*refs) if len(refs) == len(rule_files) else None


def _cell(tree: Tree, path: Path, lifts: str, names: Names) -> Iterator[Finding]:
    zone, _, column = lifts.removeprefix(CELL).partition("/")
    yield from names.zones.check(tree.exemptions, path, zone)
    if column != CLEARANCE:
        yield from names.categories.check(tree.exemptions, path, column)


def _liftable(tree: Tree, path: Path, rule: Rule | None) -> Iterator[Finding]:
    """Only what takes away can be lifted, and not if its owner says never."""
    if rule is None:
        return
    if rule.section in {Section.CEILING, Section.ALLOW}:
        message = f"`{rule.ref}` refuses nothing; lift a forbid, require, limit or cell"
        yield tree.exemptions.finding(path, "not-exemptible", message)
    elif not rule.exemptible:
        message = f"`{rule.ref}` is `exemptible: false`; ask its owner, `{rule.owner}`"
        yield tree.exemptions.finding(path, "not-exemptible", message)


def _scope(tree: Tree, path: Path, says: ScopeShape, names: Names) -> Iterator[Finding]:
    """The scope is exact: everything in it is registered, catalogued, listed."""
    read = tree.exemptions
    yield from action_findings(read, path, says, key=True)
    if says.send and not says.to:
        message = "an exemption for a send says where to: add `to`"
        yield read.finding((*path, "send"), "bad-rule", message, key=True)
    yield from names.integrations.check_all(read, (*path, "who"), says.who)
    yield from names.destinations.check_all(read, (*path, "to"), says.to)
    known: set[str] = set()
    for action in ACTIONS:
        datasets = getattr(says, action) or ()
        yield from names.datasets.check_all(read, (*path, action), datasets)
        for dataset in datasets:
            entry = tree.labels.content.datasets.get(dataset)
            known |= (entry.fields_ or {}).keys() if entry else set(says.only_fields or ())
    for index, each in enumerate(says.only_fields or ()):
        if each not in known:
            message = f"no dataset of the exemption lists a field `{each}`"
            message += did_you_mean(each, known)
            yield read.finding((*path, "only_fields", index), "unknown-field", message)


def _days(tree: Tree, path: Path, entry: ExemptionEntry) -> Iterator[Finding]:
    begins, ends = times.start(entry.from_), times.end(entry.until)
    longest = tree.exemptions.content.longest_days
    if begins >= ends:
        message = f"`{entry.until}` is not after `{entry.from_}`; swap them"
        yield tree.exemptions.finding((*path, "until"), "span-backwards", message)
    elif ends - begins > timedelta(days=longest):
        last = (begins + timedelta(days=longest - 1)).date()
        message = f"an exemption lasts {longest} days at most: until `{last}`"
        yield tree.exemptions.finding((*path, "until"), "exemption-too-long", message)


def _people(tree: Tree, path: Path, entry: ExemptionEntry, names: Names) -> Iterator[Finding]:
    """Whoever asked did not approve."""
    read = tree.exemptions
    yield from names.owners.check(read, (*path, "asked_by"), entry.asked_by)
    yield from names.owners.check_all(read, (*path, "approved_by"), entry.approved_by)
    for index, each in enumerate(entry.approved_by):
        if each == entry.asked_by:
            message = f"`{each}` asked for it; two others have to approve"
            yield read.finding((*path, "approved_by", index), "four-eyes", message)
