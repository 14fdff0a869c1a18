"""What rules say about the rest of the tree: words that go together, names that are declared."""

from collections.abc import Iterator

from policyd.model.findings import Finding
from policyd.model.rules import EVERYONE
from policyd.policy.catalogue import catalogue_of
from policyd.policy.names import Names
from policyd.policy.parties import guardrail_parties, unit_parties
from policyd.policy.rule_shapes import ModalShape, OwnedShape, RequireShape, WhoShape
from policyd.policy.rule_wording import wording_findings
from policyd.policy.tree import Tree
from policyd.policy.written import Written, written_rules


def rule_findings(tree: Tree, names: Names) -> Iterator[Finding]:
    """Everything wrong with the rules of *tree*, file by file."""
    catalogue = catalogue_of(tree, names)
    seen: set[str] = set()
    for rule in written_rules(tree):
        if rule.ref in seen:
            message = f"another section of the file has a rule `{rule.name}`; rename one"
            yield rule.read.finding(rule.path, "duplicate-rule", message, key=True)
        seen.add(rule.ref)
        yield from wording_findings(rule)
        yield from _names(rule, names)
        yield from _parties(rule, tree, names)
        yield from catalogue.check(rule)
        yield from _levels(rule, tree)


def _names(rule: Written, names: Names) -> Iterator[Finding]:
    """Names of one kind each."""
    read, path, says = rule.read, rule.path, rule.says
    if isinstance(says, OwnedShape):
        yield from names.owners.check(read, (*path, "owner"), says.owner)
    yield from names.destinations.check_all(read, (*path, "to"), says.to)
    yield from names.zones.check_all(read, (*path, "to_zone"), says.to_zone)
    yield from names.categories.check_all(read, (*path, "category"), says.category)
    yield from names.windows.check_all(read, (*path, "during"), says.during)
    yield from names.windows.check_all(read, (*path, "outside"), says.outside)
    for word in ("label_at_least", "label_at_most"):
        yield from names.levels.check(read, (*path, word), getattr(says, word))
    if isinstance(says, ModalShape):
        yield from names.owners.check(read, (*path, "mode_owner"), says.mode_owner)
    if isinstance(says, RequireShape):
        yield from _obligations(rule, says, names)


def _obligations(rule: Written, says: RequireShape, names: Names) -> Iterator[Finding]:
    """Categories of fields that are treated, and the owner who approves."""
    asked, path = says.obligations, (*rule.path, "obligations")
    for word, categories in (
        ("mask", asked.mask),
        ("tokenise", asked.tokenise),
        ("drop-fields", asked.drop_fields),
    ):
        yield from names.categories.check_all(rule.read, (*path, word), categories)
    yield from names.owners.check(rule.read, (*path, "approval"), asked.approval)


def _levels(rule: Written, tree: Tree) -> Iterator[Finding]:
    """A range of levels that has some level in it."""
    least, most = rule.says.label_at_least, rule.says.label_at_most
    levels = tree.company.content.labels
    if least in levels and most in levels and levels.index(least) > levels.index(most):
        message = f"no level is at least `{least}` and at most `{most}`"
        path = (*rule.path, "label_at_most")
        yield rule.read.finding(path, "covers-nothing", message)


def _parties(rule: Written, tree: Tree, names: Names) -> Iterator[Finding]:
    """Whom the rule speaks about."""
    says, path = rule.says, rule.path
    if not isinstance(says, WhoShape):
        return
    parties = guardrail_parties(names)
    if rule.unit is not None:
        own = tree.units[rule.unit].integrations.declared("integrations")
        parties = unit_parties(names, rule.section, own)
    yield from parties.check(rule.read, (*path, "who"), says.who)
    yield from parties.check(rule.read, (*path, "except"), says.except_)
    if says.except_ == [EVERYONE]:
        message = "a rule that excepts everyone speaks about nobody"
        yield rule.read.finding((*path, "except"), "covers-nothing", message)
