"""Rules as they are written, of all files in one form."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

from policyd.model.rules import Section
from policyd.policy.documents import Path
from policyd.policy.fitting import Read
from policyd.policy.guardrail_shapes import AccessFile, TemplateFile
from policyd.policy.rule_shapes import OwnedShape, SentenceShape
from policyd.policy.tree import Tree
from policyd.policy.unit_shapes import UnitAccessFile


@dataclass(frozen=True, slots=True)
class Written:
    """One rule, and where it is written."""

    read: Read[Any]
    layer: str  # guardrail, template:<name> or unit:<name>
    prefix: str  # of its reference
    unit: str | None  # whose file it is in, if it is a unit's
    section: Section
    name: str
    says: SentenceShape
    owner: str
    own: AbstractSet[str]  # integrations that a unit's file names without the unit

    @property
    def path(self) -> Path:
        """Where it is in its file."""
        return (self.section.value, self.name)

    @property
    def ref(self) -> str:
        """What it is called everywhere else."""
        return f"{self.prefix}{self.name}"


def written_rules(tree: Tree) -> Iterator[Written]:
    """Every rule of *tree*: guardrails, templates, units."""
    access = tree.access.content
    layer = _Layer("guardrail", "guardrail:", access.owner)
    yield from _taking(tree.access, layer, access)
    yield from _rules(tree.access, layer, Section.CEILING, access.ceiling)
    for name, template in tree.templates.items():
        shape = template.content
        layer = _Layer(f"template:{name}", f"template:{name}/", shape.owner)
        yield from _taking(template, layer, shape)
        yield from _rules(template, layer, Section.CEILING, shape.ceiling)
    for name, unit in tree.units.items():
        entry = tree.company.content.units.get(name)
        own = unit.integrations.content.integrations.keys()
        layer = _Layer(f"unit:{name}", f"unit:{name}/", entry.owner if entry else "", name, own)
        yield from _rules(unit.access, layer, Section.ALLOW, unit.access.content.allow)
        yield from _taking(unit.access, layer, unit.access.content)


class _Layer(NamedTuple):
    """What the rules of one file have in common."""

    name: str
    prefix: str
    owner: str
    unit: str | None = None
    own: AbstractSet[str] = frozenset()


def _taking(
    read: Read[Any], layer: _Layer, file: AccessFile | TemplateFile | UnitAccessFile
) -> Iterator[Written]:
    """The rules of a file that take away: what is refused, owed, bounded."""
    yield from _rules(read, layer, Section.FORBID, file.forbid)
    yield from _rules(read, layer, Section.REQUIRE, file.require)
    yield from _rules(read, layer, Section.LIMIT, file.limit)


def _rules(
    read: Read[Any], layer: _Layer, section: Section, rules: Mapping[str, SentenceShape]
) -> Iterator[Written]:
    for name, says in rules.items():
        own = says.owner if isinstance(says, OwnedShape) else None
        yield Written(
            read=read,
            layer=layer.name,
            prefix=layer.prefix,
            unit=layer.unit,
            section=section,
            name=name,
            says=says,
            owner=own or layer.owner,
            own=layer.own,
        )
