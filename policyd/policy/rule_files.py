"""Files with rules, each compiled by itself: checked against the words of the tree, and built.

A large tree is large by its rules. What one file of them comes to is a function of its bytes, its
layer and those words, so a file is compiled again only where one of the three has changed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policyd.model.findings import Finding
from policyd.model.rules import Rule, Section
from policyd.policy import layout
from policyd.policy.build_rules import Shared, built_rule
from policyd.policy.fitting import Read, fit
from policyd.policy.rule_references import Words, rule_findings
from policyd.policy.tree import Tree
from policyd.policy.unit_shapes import UnitAccessFile
from policyd.policy.written import Layer, written_rules


@dataclass(frozen=True, slots=True)
class RuleSource:
    """A file with rules, to be compiled."""

    file: str
    source: bytes | None  # None: there is none
    layer: Layer
    read: Read[Any] | None = None  # where the tree has it, for what it says besides rules


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What the rest of a tree needs of a file with rules."""

    refs: frozenset[str] | None
    """References of all its rules, also those with a finding; None if it is too broken to say."""
    rules: Iterable[Rule]  # in the order of the file; those that fitted
    findings: tuple[Finding, ...]
    asks_integrations: bool  # whether its check asks for the integrations of the whole tree


def rule_sources(tree: Tree, files: Mapping[str, bytes]) -> Iterator[RuleSource]:
    """Every file with rules of *tree*, which is made of *files*: guardrails, templates, units."""
    guardrail = Layer("guardrail", "guardrail:", tree.access.content.owner)
    yield RuleSource(layout.ACCESS, files.get(layout.ACCESS), guardrail, tree.access)
    for name, read in tree.templates.items():
        layer = Layer(f"template:{name}", f"template:{name}/", read.content.owner)
        yield RuleSource(read.document.file, files.get(read.document.file), layer, read)
    for name, unit in tree.units.items():
        entry = tree.company.content.units.get(name)
        own = unit.integrations.declared("integrations")
        layer = Layer(f"unit:{name}", f"unit:{name}/", entry.owner if entry else "", name, own)
        path = f"{layout.UNITS}/{name}/access.yaml"
        yield RuleSource(path, files.get(path), layer)


def compile_rules(what: RuleSource, words: Words) -> RuleFile:
    """The rules of a file, and all that is wrong with them."""
    read, findings = (what.read, []) if what.read else fit(what.file, what.source, UnitAccessFile)
    # A file that could not be used has a finding that says so; others about it would only confuse.
    if read.document.is_usable:
        findings += rule_findings(read, what.layer, words)
    shared = Shared()
    rules = tuple(built_rule(each, shared) for each in written_rules(read, what.layer))
    is_units = what.layer.unit is not None
    return RuleFile(
        refs=_refs(read, what.layer),
        rules=rules,
        findings=tuple(findings),
        asks_integrations=not is_units or any(r.section is Section.FORBID for r in rules),
    )


def _refs(read: Read[Any], layer: Layer) -> frozenset[str] | None:
    found: set[str] = set()
    for section in Section:
        declared = read.declared(section.value)
        if declared is None:
            return None
        found |= {f"{layer.prefix}{name}" for name in declared}
    return frozenset(found)
