"""What a data pattern covers: datasets, and the fields that they list."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policyd.model.findings import Finding
from policyd.model.rules import ACTIONS, ANYTHING
from policyd.policy.names import Names
from policyd.policy.rule_shapes import GiveShape
from policyd.policy.tree import Tree
from policyd.policy.wording import did_you_mean, nearest
from policyd.policy.written import Written


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Fields by every pattern that covers something; None where a broken file hides them."""

    where: str
    fields: Mapping[str, frozenset[str]] | None

    def check(self, rule: Written) -> Iterator[Finding]:
        """Patterns of *rule* that cover no dataset, and fields that no covered dataset lists."""
        if self.fields is None:
            return
        known: frozenset[str] = frozenset()
        for action in ACTIONS:
            for index, pattern in enumerate(getattr(rule.says, action) or ()):
                if pattern in self.fields:
                    known |= self.fields[pattern]
                    continue
                near = nearest(pattern, self.fields)
                message = f"`{pattern}` covers no dataset of {self.where}{near}"
                yield rule.read.finding((*rule.path, action, index), "covers-nothing", message)
        listed = rule.says.only_fields if isinstance(rule.says, GiveShape) else None
        for index, each in enumerate(listed or ()):
            if each not in known:
                near = did_you_mean(each, known)
                message = f"no dataset of the rule lists a field `{each}`{near}"
                path = (*rule.path, "only_fields", index)
                yield rule.read.finding(path, "unknown-field", message)


def catalogue_of(tree: Tree, names: Names) -> Catalogue:
    """The catalogue of *tree*."""
    known = names.datasets.names
    if known is None:
        return Catalogue(names.datasets.where, None)
    entries = tree.labels.content.datasets
    found: dict[str, set[str]] = {ANYTHING: set()}
    for name in known:
        listed = entries[name].fields_ if name in entries else None
        for pattern in _covering(name):
            found.setdefault(pattern, set()).update(listed or ())
    fields = {pattern: frozenset(each) for pattern, each in found.items()}
    return Catalogue(names.datasets.where, fields)


def _covering(name: str) -> Iterator[str]:
    """Every pattern that covers the dataset *name*."""
    yield from (ANYTHING, name)
    yield from (f"{name[: at + 1]}*" for at, letter in enumerate(name) if letter == "/")
