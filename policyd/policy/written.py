"""Rules as they are written, of all files in one form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policyd.model.rules import Section
from policyd.policy.documents import Path
from policyd.policy.fitting import Read
from policyd.policy.rule_shapes import OwnedShape, SentenceShape


@dataclass(frozen=True, slots=True)
class Layer:
    """What the rules of one file have in common."""

    name: str  # guardrail, template:<name> or unit:<name>
    prefix: str  # of their references
    owner: str  # of those that name none
    unit: str | None = None  # whose file it is, if it is a unit's
    own: frozenset[str] | None = frozenset()
    """Integrations that a unit's file names without the unit; None if a broken file hides them."""


@dataclass(frozen=True, slots=True)
class Written:
    """One rule, and where it is written."""

    read: Read[Any]
    layer: Layer
    section: Section
    name: str
    says: SentenceShape

    @property
    def path(self) -> Path:
        """Where it is in its file."""
        return (self.section.value, self.name)

    @property
    def ref(self) -> str:
        """What it is called everywhere else."""
        return f"{self.layer.prefix}{self.name}"

    @property
    def owner(self) -> str:
        """Who answers for it."""
        own = self.says.owner if isinstance(self.says, OwnedShape) else None
        return own or self.layer.owner


_ORDER = (Section.ALLOW, Section.FORBID, Section.REQUIRE, Section.LIMIT, Section.CEILING)


def written_rules(read: Read[Any], layer: Layer) -> Iterator[Written]:
    """Every rule of one file, section by section."""
    for section in _ORDER:
        rules: Mapping[str, SentenceShape] = getattr(read.content, section.value, {})
        for name, says in rules.items():
            yield Written(read, layer, section, name, says)
