"""What rules say about the rest of the tree: words that go together, names that are declared."""

from collections.abc import Iterator
from dataclasses import dataclass

from policyd.model.findings import Finding
from policyd.model.rules import ACTIONS, ANYTHING, EVERYONE
from policyd.policy.names import Declared, Names
from policyd.policy.parties import guardrail_parties, unit_parties
from policyd.policy.rule_shapes import GiveShape, OwnedShape, WhoShape
from policyd.policy.suggest import did_you_mean, nearest
from policyd.policy.tree import Tree
from policyd.policy.written import Written, written_rules


def rule_findings(tree: Tree, names: Names) -> Iterator[Finding]:
    """Everything wrong with the rules of *tree*, file by file."""
    catalogue = _Catalogue.of(tree, names)
    seen: set[str] = set()
    for rule in written_rules(tree):
        if rule.ref in seen:
            message = f"another section of the file has a rule `{rule.name}`; rename one"
            yield rule.read.finding(rule.path, "duplicate-rule", message, key=True)
        seen.add(rule.ref)
        yield from _wording(rule)
        yield from _names(rule, names)
        yield from _parties(rule, tree, names)
        yield from catalogue.check(rule)
        yield from _levels(rule, tree)


def _wording(rule: Written) -> Iterator[Finding]:
    """The words that a rule needs, and those that need another."""
    says = rule.says
    if not any(getattr(says, action) for action in ACTIONS):
        message = f"the rule says nothing; add one of {', '.join(ACTIONS)}"
        yield rule.read.finding(rule.path, "bad-rule", message, key=True)
    for word in ("to", "to_zone", "to_systems_of"):
        if getattr(says, word) and not says.send:
            message = f"`{word}` speaks about `send`, which the rule does not have"
            yield rule.read.finding((*rule.path, word), "bad-rule", message, key=True)
    if says.to and says.to_zone:
        message = "the rule has `to`, which says all that `to_zone` could; remove one"
        yield rule.read.finding((*rule.path, "to_zone"), "bad-rule", message, key=True)
    if isinstance(says, GiveShape) and says.send and not (says.to or says.to_zone):
        message = "a rule that lets data out says where to: add `to` or `to_zone`"
        yield rule.read.finding((*rule.path, "send"), "bad-rule", message, key=True)


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


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """The catalogue's datasets, ready to be asked what a pattern covers."""

    datasets: Declared
    prefixes: frozenset[str]
    fields: dict[str, frozenset[str]]  # by dataset

    @classmethod
    def of(cls, tree: Tree, names: Names) -> "_Catalogue":
        """The catalogue of *tree*."""
        known = names.datasets.names or frozenset()
        prefixes = {
            name[: at + 1] for name in known for at, letter in enumerate(name) if letter == "/"
        }
        entries = tree.labels.content.datasets.items()
        fields = {name: frozenset(each.fields_ or ()) for name, each in entries}
        return cls(names.datasets, frozenset(prefixes), fields)

    def check(self, rule: Written) -> Iterator[Finding]:
        """Patterns that cover no dataset, and fields that no covered dataset lists."""
        if self.datasets.names is None:
            return
        for action in ACTIONS:
            for index, pattern in enumerate(getattr(rule.says, action) or ()):
                if not self._covers(pattern):
                    known = self.datasets.names | {f"{prefix}*" for prefix in self.prefixes}
                    near = nearest(pattern, known)
                    message = f"`{pattern}` covers no dataset of {self.datasets.where}{near}"
                    path = (*rule.path, action, index)
                    yield rule.read.finding(path, "covers-nothing", message)
        yield from self._only_fields(rule)

    def _covers(self, pattern: str) -> bool:
        if pattern.endswith("/*"):
            return pattern[:-1] in self.prefixes
        return pattern == ANYTHING or self.datasets.has(pattern)

    def _only_fields(self, rule: Written) -> Iterator[Finding]:
        listed = rule.says.only_fields if isinstance(rule.says, GiveShape) else None
        if listed is None:
            return
        patterns = [each for action in ACTIONS for each in getattr(rule.says, action) or ()]
        known: set[str] = set()
        for name, fields in self.fields.items():
            if any(_is_covered(name, pattern) for pattern in patterns):
                known |= fields
        for index, each in enumerate(listed):
            if each not in known:
                message = (
                    f"no dataset of the rule lists a field `{each}`{did_you_mean(each, known)}"
                )
                path = (*rule.path, "only_fields", index)
                yield rule.read.finding(path, "unknown-field", message)


def _is_covered(name: str, pattern: str) -> bool:
    if pattern.endswith("/*"):
        return name.startswith(pattern[:-1])
    return pattern in {ANYTHING, name}
