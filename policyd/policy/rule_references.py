"""What rules say about the rest of the tree: words that go together, names that are declared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from policyd.model.findings import Finding
from policyd.model.rules import EVERYONE, Section
from policyd.policy.catalogue import Catalogue, catalogue_of
from policyd.policy.fitting import Read
from policyd.policy.names import Names
from policyd.policy.parties import Parties, guardrail_parties, unit_parties
from policyd.policy.rule_shapes import ModalShape, OwnedShape, RequireShape, WhoShape
from policyd.policy.rule_wording import wording_findings
from policyd.policy.tree import Tree
from policyd.policy.written import Layer, Written, written_rules


@dataclass(frozen=True, slots=True)
class Words:
    """All that the check of a rule asks the rest of the tree about."""

    names: Names
    catalogue: Catalogue
    levels: tuple[str, ...]  # from the lowest


def words_of(tree: Tree, names: Names) -> Words:
    """The words of *tree*."""
    return Words(names, catalogue_of(tree, names), tuple(tree.company.content.labels))


def rule_findings(read: Read[Any], layer: Layer, words: Words) -> Iterator[Finding]:
    """Everything wrong with the rules of one file."""
    parties = cache(partial(_parties_of, layer, words.names))
    seen: set[str] = set()
    for rule in written_rules(read, layer):
        if rule.name in seen:
            message = f"another section of the file has a rule `{rule.name}`; rename one"
            yield rule.read.finding(rule.path, "duplicate-rule", message, key=True)
        seen.add(rule.name)
        yield from wording_findings(rule)
        yield from _names(rule, words.names)
        if isinstance(rule.says, WhoShape):
            yield from _parties(rule, rule.says, parties(rule.section))
        yield from words.catalogue.check(rule)
        yield from _levels(rule, words.levels)


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


def _levels(rule: Written, levels: Sequence[str]) -> Iterator[Finding]:
    """A range of levels that has some level in it."""
    least, most = rule.says.label_at_least, rule.says.label_at_most
    if least in levels and most in levels and levels.index(least) > levels.index(most):
        message = f"no level is at least `{least}` and at most `{most}`"
        path = (*rule.path, "label_at_most")
        yield rule.read.finding(path, "covers-nothing", message)


def _parties_of(layer: Layer, names: Names, section: Section) -> Parties:
    """Whom rules of *section* may speak about."""
    return unit_parties(names, section, layer.own) if layer.unit else guardrail_parties(names)


def _parties(rule: Written, says: WhoShape, parties: Parties) -> Iterator[Finding]:
    """Whom the rule speaks about."""
    yield from parties.check(rule.read, (*rule.path, "who"), says.who)
    yield from parties.check(rule.read, (*rule.path, "except"), says.except_)
    if says.except_ == [EVERYONE]:
        message = "a rule that excepts everyone speaks about nobody"
        yield rule.read.finding((*rule.path, "except"), "covers-nothing", message)
