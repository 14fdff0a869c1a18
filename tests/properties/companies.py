"""Strategies for small companies as values.

What has few values is drawn at once from a list of them all, because every draw costs time.
"""

from dataclasses import replace
from datetime import datetime
from itertools import combinations, product
from typing import Any

from hypothesis import strategies as st

from policyd.engine.access import MODEL
from policyd.model.catalogue import Dataset, System
from policyd.model.destinations import Destination, Zone
from policyd.model.labels import Label, Treatment
from policyd.model.organisation import Integration, Owner, Template, Unit
from policyd.model.rules import Section
from policyd.model.snapshot import Snapshot
from tests.properties.ruling import ALL, NARROWING, WIDE, rule, rule_sets, some
from tests.properties.world import (
    BERLIN,
    DATASETS,
    FIELDS,
    INTEGRATIONS,
    PLACES,
    ROLES,
    SYSTEMS,
    UNITS,
    WORDS,
    ZONES,
)

_LABELS = [
    Label(rank, frozenset(categories))
    for size in range(4)
    for categories in combinations(sorted(WORDS.categories), size)
    for rank in range(4)
]
labels = st.sampled_from(_LABELS)


@st.composite
def _datasets(draw: st.DrawFn, name: str) -> Dataset:
    """As the loader demands: no field has more than its dataset."""
    whole, fields = draw(labels), {field: draw(labels) for field in FIELDS}
    return Dataset(name, whole, {field: _met(mark, whole) for field, mark in fields.items()})


def _met(one: Label, other: Label) -> Label:
    return Label(min(one.rank, other.rank), one.categories & other.categories)


def _zone(name: str, clearance: int, *cells: Treatment) -> Zone:
    treatments = dict(zip(sorted(WORDS.categories), cells, strict=True))
    return Zone(name, "it", f"zone {name}", None, clearance, treatments)


def _integration(
    name: str,
    roles: tuple[str, ...],
    template: str | None,
    stage: str,
    place_and_until: tuple[str, datetime | None],
) -> Integration:
    unit = name.partition("/")[0]
    runs_on, until = place_and_until
    names = frozenset({name, unit, "everyone", *roles})
    return Integration(name, unit, name, "it", template, stage, runs_on, roles, names, until)


# Mild values are likelier, or nearly nothing would ever be allowed.
_CELLS = (Treatment.PASS, Treatment.PASS, *Treatment)
_rows = st.sampled_from(list(product((3, 3, 2, 1, 0), _CELLS, _CELLS, _CELLS)))
_EVER, _OVER = ("flows", None), ("bank", datetime(2026, 3, 3))  # noqa: DTZ001 - wall clock
_people = st.sampled_from(
    list(
        product(
            [(), *some(*ROLES)],
            [None, None, "feed"],
            ["production", "sandbox"],
            [_EVER, _EVER, ("bank", None), _OVER],
        )
    )
)
_CATALOGUE = {name: _datasets(name) for name in DATASETS}


def _place(name: str, zone: str) -> Destination:
    is_bank = name == "bank"
    return Destination(
        name=name,
        zone=zone,
        owner="it",
        reason="a place",
        hosts=frozenset({f"{name}.example"}),
        suffixes=(),
        networks=(),
        schemes=frozenset({"https"}),
        ports=frozenset(),
        paths=(),
        methods=frozenset({"POST"} if is_bank else ()),
        who=frozenset({"banker", "hr"} if is_bank else ()),
    )


@st.composite
def _companies(draw: st.DrawFn) -> Snapshot:
    return Snapshot(
        digest="sha256:" + "0" * 64,
        company="test",
        vocabulary=WORDS,
        owners={"it": Owner("it", "it@test.example")},
        units={name: Unit(name, name, "it") for name in UNITS},
        roles={},
        templates={"feed": Template("feed", "Feed", "it", frozenset(PLACES), frozenset(), False)},
        integrations={name: _integration(name, *draw(_people)) for name in INTEGRATIONS},
        systems={
            name: System(name, kind, "it", name, unit) for name, (kind, unit) in SYSTEMS.items()
        },
        datasets={name: draw(each) for name, each in _CATALOGUE.items()},
        connections={f"{name}/api": f"https://{name}.example/v1/" for name in PLACES},
        zones={name: _zone(name, *draw(_rows)) for name in ZONES},
        unlisted="open",
        destinations={name: _place(name, zone) for name, zone in PLACES.items()},
        destinations_owner="it",
        calendar=BERLIN,
        rules=draw(rule_sets),
        model=MODEL,
    )


snapshots = _companies()
"""Companies: people and places are given; labels, flow table, roles and rules are drawn."""


@st.composite
def _ruled_by(draw: st.DrawFn, *words: str) -> Snapshot:
    options = [(word, value) for word in words for value in NARROWING[word]]
    word, value = draw(st.sampled_from(options))
    section = draw(st.sampled_from([Section.CEILING, Section.FORBID]))
    narrow: dict[str, Any] = {word: value}
    own = rule("guardrail:own", "guardrail", section, replace(ALL, **narrow))
    # A ceiling that is not the only one would never decide anything.
    wide = WIDE[1:] if section is Section.CEILING else WIDE
    return replace(draw(snapshots), rules={each.ref: each for each in (own, *wide)})


marked_snapshots = _ruled_by("category", "label_at_least", "label_at_most")
"""Companies in which one rule about labels, and the flow table, decide nearly everything."""

timed_snapshots = _ruled_by("during", "outside")
"""Companies in which one rule about time decides nearly everything."""
