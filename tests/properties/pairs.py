"""Strategies for pairs of companies: one as it is, and one after a change or two."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from policyd.model.calendar import Hours, Span
from policyd.model.exemptions import Exemption
from policyd.model.labels import Treatment
from policyd.model.organisation import Owner
from policyd.model.rules import ACTIONS, Limit, Mode, Rule, Section, Sentence, Softening
from policyd.model.snapshot import Snapshot
from tests.properties.companies import labels, snapshots
from tests.properties.ruling import ALL, NARROWING, WIDE, rule, rules
from tests.properties.world import (
    BERLIN,
    DATASETS,
    FIELDS,
    INTEGRATIONS,
    PLACES,
    ROLES,
    UNITS,
    WORDS,
    ZONES,
)

Change = Callable[[Snapshot], Snapshot]
# In company time: around the moments that calls are asked at.
_DAYS = [datetime(2026, 3, day) for day in (2, 3, 28, 30)] + [datetime(2027, 1, 1)]  # noqa: DTZ001 - wall clock
_days = st.sampled_from(_DAYS)
_modes = st.builds(Softening, st.sampled_from([Mode.WARN, Mode.OBSERVE]), _days, st.just("it"))
_categories = st.lists(st.sampled_from(sorted(WORDS.categories)), min_size=1, unique=True)
_duties: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "mask": _categories.map(tuple),
        "drop-fields": _categories.map(tuple),
        "row-limit": st.integers(1, 3),
        "log-outcome": st.sampled_from(["90m", "1h", "2h"]),
        "approval": st.just("it"),
    },
)
_limits = st.builds(
    Limit,
    st.sampled_from(["rows", "calls"]),
    st.integers(0, 3),
    st.sampled_from(["call", "day"]),
    st.just("unit"),
)
_wide = st.sampled_from(["guardrail", "guardrail", "template:feed", "unit:sales", "unit:hr"])


@st.composite
def _one_word_rules(draw: st.DrawFn, section: Section) -> Rule:
    """A rule about everything but for one word that narrows it, so that the word decides."""
    layer, word = draw(_wide), draw(st.sampled_from(sorted(NARROWING)))
    narrow: dict[str, Any] = {word: draw(st.sampled_from(NARROWING[word]))}
    return rule(f"{layer}/wide", layer, section, replace(ALL, **narrow))


@st.composite
def _any_rules(draw: st.DrawFn) -> Rule:
    """A rule of any section, softened or not."""
    section = draw(st.sampled_from([None, Section.REQUIRE, Section.LIMIT, Section.FORBID]))
    one_word = _one_word_rules(section or draw(st.sampled_from([Section.CEILING, Section.FORBID])))
    found = draw(one_word | one_word | rules("new", section))
    if found.section is Section.REQUIRE:
        found = replace(found, duties=draw(_duties))
    if found.section is Section.LIMIT:
        found = replace(found, limit=draw(_limits))
    if found.section not in {Section.CEILING, Section.ALLOW}:
        found = replace(
            found, softening=draw(st.none() | st.none() | _modes), always=draw(st.booleans())
        )
    name = draw(st.sampled_from(["new", "newer", "newest"]))
    return replace(found, ref=f"{found.layer}/{name}")


@st.composite
def _exemptions(draw: st.DrawFn, refs: list[str]) -> Exemption:
    cells = [f"zone:{zone}/{cell}" for zone in ZONES for cell in (*WORDS.categories, "clearance")]
    lifts = draw(st.sampled_from([*cells, "destination:bank"]) | st.sampled_from([*refs, *cells]))
    actions = draw(st.lists(st.sampled_from(ACTIONS), min_size=1, unique=True))
    data = tuple(draw(st.lists(st.sampled_from(DATASETS), min_size=1, unique=True)))
    only = draw(st.just(()) | st.lists(st.sampled_from(FIELDS), min_size=1, unique=True).map(tuple))
    to = draw(st.just(()) | st.sampled_from(sorted(PLACES)).map(lambda name: (name,)))
    who = tuple(draw(st.lists(st.sampled_from(INTEGRATIONS), min_size=1, unique=True)))
    scope = Sentence(dict.fromkeys(actions, data), who, to=to, only_fields=only)
    name = draw(st.sampled_from(["EX-1", "EX-2"]))
    start, end = sorted([draw(_days), draw(_days)])
    return Exemption(name, lifts, scope, start, end, "T-1", "a test", "it", ("a", "b"))


def _put(part: str, name: str, value: object) -> Change:
    return lambda company: _with(company, part, {**getattr(company, part), name: value})


def _with(company: Snapshot, part: str, whole: Mapping[str, Any]) -> Snapshot:
    changed: dict[str, Any] = {part: whole}
    return replace(company, **changed)


def _edit(part: str, name: str, **members: Any) -> Change:  # noqa: ANN401 - members of any type
    def change(company: Snapshot) -> Snapshot:
        whole: Mapping[str, Any] = getattr(company, part)
        if name not in whole:
            return company
        return _with(company, part, {**whole, name: replace(whole[name], **members)})

    return change


def _without(part: str, name: str) -> Change:
    def change(company: Snapshot) -> Snapshot:
        left = {key: value for key, value in getattr(company, part).items() if key != name}
        return _with(company, part, left)

    return change


def _zone(name: str, clearance: int | None, cells: list[Treatment]) -> Change:
    """Another row of the flow table, with its clearance or without."""
    treatments = dict(zip(sorted(WORDS.categories), cells, strict=True))
    known = {} if clearance is None else {"clearance": clearance}
    return _edit("zones", name, treatments=treatments, **known)


def _roles(name: str, roles: list[str]) -> Change:
    names = frozenset({name, name.partition("/")[0], "everyone", *roles})
    return _edit("integrations", name, roles=tuple(roles), names=names)


_NIGHT = Hours(frozenset({0, 1, 2}), BERLIN.hours["night"].start, BERLIN.hours["night"].end)
_CALENDARS = [
    replace(BERLIN, hours={"night": _NIGHT}),
    replace(BERLIN, freezes={}),
    replace(BERLIN, freezes={"freeze": (Span(_DAYS[0], _DAYS[2], "longer"),)}),
]
_ORGANISATION = st.one_of(
    st.builds(_roles, st.sampled_from(INTEGRATIONS), st.lists(st.sampled_from(ROLES), unique=True)),
    st.builds(
        lambda who, more: _edit("integrations", who, **more),
        st.sampled_from(INTEGRATIONS),
        st.sampled_from(
            [
                *({"template": each} for each in (None, "feed")),
                *({"stage": each} for each in ("sandbox", "production")),
                *({"runs_on": each} for each in ("bank", "flows")),
                *({"until": each} for each in (None, _DAYS[1])),
                {"owner": "left"},
            ]
        ),
    ),
    st.builds(
        lambda unit, more: _edit("units", unit, **more),
        st.sampled_from(UNITS),
        st.builds(dict, softening=_modes) | st.builds(dict, rollout=_modes),
    ),
    st.builds(_without, st.just("integrations"), st.sampled_from(INTEGRATIONS)),
    st.builds(lambda mode: lambda company: replace(company, rollout=mode), _modes),
    st.builds(lambda each: lambda company: replace(company, grace_days=each), st.just(400)),
)
_CATALOGUE = st.one_of(
    st.builds(
        lambda name, label: _edit("datasets", name, label=label), st.sampled_from(DATASETS), labels
    ),
    st.builds(
        lambda name, field, label: (
            lambda company: (
                _edit("datasets", name, fields={**company.datasets[name].fields, field: label})(
                    company
                )
                if name in company.datasets
                else company
            )
        ),
        st.sampled_from(DATASETS),
        st.sampled_from(FIELDS),
        labels,
    ),
    st.builds(_without, st.just("datasets"), st.sampled_from(DATASETS)),
    st.sampled_from(
        [
            _edit("systems", "erp", unit="hr"),
            _edit("systems", "hris", unit=None),
            _edit("systems", "crm", kind="record"),
        ]
    ),
)
_PLACES = st.one_of(
    st.builds(
        _zone,
        st.sampled_from(ZONES),
        st.none() | st.integers(0, 3),
        st.lists(st.sampled_from(Treatment), min_size=3, max_size=3),
    ),
    st.sampled_from(
        [
            _edit("destinations", "bank", who=frozenset()),
            _edit("destinations", "bank", methods=frozenset()),
            _edit("destinations", "crm", methods=frozenset({"GET"})),
            _edit("destinations", "flows", zone="core"),
            _edit("destinations", "erp", paths=("/v1/*",)),
            _edit("destinations", "bank", hosts=frozenset(), suffixes=(".bank.example",)),
            _put("connections", "crm/api", "https://bank.example/v1/"),
            _put("connections", "new/api", "https://bank.example/v2"),
            lambda company: replace(company, unlisted="core"),
        ]
    ),
    st.builds(
        lambda each: lambda company: replace(company, calendar=each), st.sampled_from(_CALENDARS)
    ),
)


@st.composite
def _changes(draw: st.DrawFn, company: Snapshot) -> Change:
    """A change, most often of rules."""
    refs = sorted(company.rules)
    which = draw(st.integers(0, 9))
    if which < 3:
        new = draw(_any_rules())
        return _put("rules", new.ref, new)
    if which < 5 and refs:
        return _rule_change(draw, company, draw(st.sampled_from(refs)))
    if which == 5:
        new_exemption = draw(_exemptions([*refs, "guardrail/new"]))
        return _put("exemptions", new_exemption.id, new_exemption)
    return draw((_ORGANISATION, _CATALOGUE, _PLACES, _PLACES)[which - 6]) if which > 5 else _none


def _none(company: Snapshot) -> Snapshot:
    return company


def _rule_change(draw: st.DrawFn, company: Snapshot, ref: str) -> Change:
    known = company.rules[ref]
    if draw(st.booleans()):
        return _without("rules", ref)
    if known.section is Section.LIMIT:
        return _edit("rules", ref, limit=draw(_limits))
    if known.section is Section.REQUIRE:
        return _edit("rules", ref, duties=draw(_duties))
    if known.section is Section.FORBID:
        return _edit("rules", ref, softening=draw(_modes))
    return _edit("rules", ref, sentence=draw(rules("same")).sentence)


def _owned(company: Snapshot) -> Snapshot:
    gone = Owner("left", "gone@test.example", _DAYS[0])
    return replace(company, owners={**company.owners, "left": gone}, grace_days=20)


@st.composite
def _pairs(draw: st.DrawFn) -> tuple[Snapshot, Snapshot]:
    old = _owned(draw(snapshots))
    if draw(st.integers(0, 3)):
        old = replace(old, rules={**{each.ref: each for each in WIDE}, **old.rules})
    if not draw(st.integers(0, 7)):
        old = replace(old, rollout=draw(_modes))
    for _ in range(draw(st.integers(0, 5))):
        old = draw(_changes(old))(old)
    new = old
    for _ in range(draw(st.integers(1, 2))):
        new = draw(_changes(new))(new)
    return old, new


pairs = _pairs()
"""A company before and after a change or two; both have rules, duties, limits and exemptions."""
