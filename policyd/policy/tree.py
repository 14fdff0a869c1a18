"""The files of a policy tree, each fitted to its shape."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from policyd.model.findings import Finding
from policyd.policy import guardrail_shapes, layout, place_shapes, unit_shapes
from policyd.policy.documents import Document
from policyd.policy.fitting import Read, Shaped, fit

Fit = Callable[[str, bytes | None, type[Any]], tuple[Read[Any], list[Finding]]]
"""How one file is read and fitted; see `fitting.fit`."""


@dataclass(frozen=True, slots=True)
class UnitFiles:
    """The files of one unit, but its rules."""

    about: Read[unit_shapes.UnitFile]
    integrations: Read[unit_shapes.IntegrationsFile]


@dataclass(frozen=True, slots=True)
class Tree:
    """All files that decide, but the casbin model and the units' rules.

    A file that cannot be used is empty. Units' rules are most of a large tree, and no other file
    says anything about what is in them, so each file of them is a matter of its own
    (`rule_files`).
    """

    company: Read[guardrail_shapes.CompanyFile]
    access: Read[guardrail_shapes.AccessFile]
    roles: Read[guardrail_shapes.RolesFile]
    systems: Read[place_shapes.SystemsFile]
    labels: Read[guardrail_shapes.LabelsFile]
    destinations: Read[place_shapes.DestinationsFile]
    calendar: Read[guardrail_shapes.CalendarFile]
    promotions: Read[guardrail_shapes.PromotionsFile]
    exemptions: Read[guardrail_shapes.ExemptionsFile]
    templates: Mapping[str, Read[guardrail_shapes.TemplateFile]]
    units: Mapping[str, UnitFiles]

    def documents(self) -> Iterator[Document]:
        """Every document."""
        yield from (
            self.company.document,
            self.access.document,
            self.roles.document,
            self.systems.document,
            self.labels.document,
            self.destinations.document,
            self.calendar.document,
            self.promotions.document,
            self.exemptions.document,
        )
        yield from (each.document for each in self.templates.values())
        for unit in self.units.values():
            yield from (unit.about.document, unit.integrations.document)


def read_tree(files: Mapping[str, bytes], fit: Fit = fit) -> tuple[Tree, list[Finding]]:
    """The tree in *files* (by relative path), and all that is wrong with each file by itself."""
    reader = _Reader(files, fit)
    tree = Tree(
        company=reader.fit(layout.COMPANY, guardrail_shapes.CompanyFile),
        access=reader.fit(layout.ACCESS, guardrail_shapes.AccessFile),
        roles=reader.fit(layout.ROLES, guardrail_shapes.RolesFile),
        systems=reader.fit(layout.SYSTEMS, place_shapes.SystemsFile),
        labels=reader.fit(layout.LABELS, guardrail_shapes.LabelsFile),
        destinations=reader.fit(layout.DESTINATIONS, place_shapes.DestinationsFile),
        calendar=reader.fit(layout.CALENDAR, guardrail_shapes.CalendarFile),
        promotions=reader.fit(layout.PROMOTIONS, guardrail_shapes.PromotionsFile),
        exemptions=reader.fit(layout.EXEMPTIONS, guardrail_shapes.ExemptionsFile),
        templates={
            name: reader.fit(path, guardrail_shapes.TemplateFile)
            for name, path in layout.templates(files).items()
        },
        units={unit: reader.unit(f"{layout.UNITS}/{unit}") for unit in layout.units(files)},
    )
    return tree, reader.findings


@dataclass(slots=True)
class _Reader:
    """Fits files and collects what is wrong with them."""

    files: Mapping[str, bytes]
    how: Fit
    findings: list[Finding] = field(default_factory=list)

    def fit(self, path: str, shape: type[Shaped]) -> Read[Shaped]:
        fitted, findings = self.how(path, self.files.get(path), shape)
        self.findings += findings
        return fitted

    def unit(self, folder: str) -> UnitFiles:
        return UnitFiles(
            self.fit(f"{folder}/unit.yaml", unit_shapes.UnitFile),
            self.fit(f"{folder}/integrations.yaml", unit_shapes.IntegrationsFile),
        )
