"""Every name that a tree declares, by what it names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from policyd.model.findings import Finding
from policyd.policy import layout
from policyd.policy.documents import Path
from policyd.policy.fitting import Read
from policyd.policy.tree import Tree
from policyd.policy.wording import did_you_mean


@dataclass(frozen=True, slots=True)
class Declared:
    """Names of one kind; `names` is None where a broken file keeps us from knowing them."""

    kind: str  # as in the code `undeclared-<kind>`
    where: str  # the file that declares them
    names: frozenset[str] | None

    def has(self, name: str) -> bool:
        """Whether *name* is declared, or may be."""
        return self.names is None or name in self.names

    def check(self, read: Read[Any], path: Path, name: str | None) -> Iterator[Finding]:
        """A finding at *path* if *name* is not declared."""
        if name is not None and not self.has(name):
            near = did_you_mean(name, self.names or ())
            message = f"{self.where} has no {self.kind} `{name}`{near}"
            yield read.finding(path, f"undeclared-{self.kind}", message)

    def check_all(
        self, read: Read[Any], path: Path, names: Sequence[str] | None
    ) -> Iterator[Finding]:
        """A finding for each of the list *names* at *path* that is not declared."""
        for index, name in enumerate(names or ()):
            yield from self.check(read, (*path, index), name)


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a tree.

    INVARIANT: taken from the documents, not from the shapes, so that an entry with a finding of
    its own does not make a finding of everything that names it.
    """

    owners: Declared
    units: Declared
    levels: Declared
    categories: Declared
    roles: Declared
    zones: Declared
    destinations: Declared
    systems: Declared
    datasets: Declared
    windows: Declared
    templates: Declared
    integrations: Declared  # unit/name


def names_of(tree: Tree) -> Names:
    """The names that *tree* declares."""
    company, places = tree.company, tree.destinations
    hours, freezes = tree.calendar.declared("hours"), tree.calendar.declared("freezes")
    return Names(
        owners=Declared("owner", layout.COMPANY, company.declared("owners")),
        units=Declared("unit", layout.COMPANY, company.declared("units")),
        levels=Declared("label", layout.COMPANY, _levels(tree)),
        categories=Declared("category", layout.COMPANY, company.declared("categories")),
        roles=Declared("role", layout.ROLES, tree.roles.declared("roles")),
        zones=Declared("zone", layout.DESTINATIONS, places.declared("zones")),
        destinations=Declared("destination", layout.DESTINATIONS, places.declared("destinations")),
        systems=Declared("system", layout.SYSTEMS, tree.systems.declared("systems")),
        datasets=Declared("dataset", layout.LABELS, tree.labels.declared("datasets")),
        windows=Declared("window", layout.CALENDAR, _both(hours, freezes)),
        templates=Declared("template", layout.TEMPLATES, frozenset(tree.templates)),
        integrations=Declared("integration", layout.UNITS, _integrations(tree)),
    )


def _levels(tree: Tree) -> frozenset[str] | None:
    levels = tree.company.content.labels
    return frozenset(levels) if levels else None


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return None if one is None or other is None else one | other


def _integrations(tree: Tree) -> frozenset[str] | None:
    found: frozenset[str] | None = frozenset()
    for unit, files in tree.units.items():
        names = files.integrations.declared("integrations")
        own = None if names is None else frozenset(f"{unit}/{name}" for name in names)
        found = _both(found, own)
    return found
