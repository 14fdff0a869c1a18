"""Strategies for small companies as values, and for calls that ask in them.

Names are few, so that rules and calls meet often. What has few values is drawn at once from a
list of them all, because every draw costs time.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import combinations, product
from operator import add
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyd.engine.access import MODEL
from policyd.model.calendar import Calendar, Hours, Span
from policyd.model.call import Call, Entity
from policyd.model.catalogue import Dataset, System
from policyd.model.decision import Obligation
from policyd.model.destinations import Destination, Zone
from policyd.model.facts import Facts
from policyd.model.labels import Label, Treatment, Vocabulary
from policyd.model.organisation import Integration, Owner, Template, Unit
from policyd.model.rules import ACTIONS, Place, Rule, Section, Sentence
from policyd.model.snapshot import Snapshot

Drawn = TypeVar("Drawn")
WORDS = Vocabulary(
    ("public", "internal", "confidential", "restricted"),
    frozenset({"personal", "payment", "health"}),
)
UNITS = ("sales", "hr")
ROLES = ("reader", "writer", "banker")
INTEGRATIONS = ("sales/sync", "sales/feed", "hr/report")
SYSTEMS = {"erp": ("record", None), "hris": ("record", "hr"), "crm": ("engagement", "sales")}
DATASETS = ("erp/customers", "erp/stock", "hris/staff", "crm/contacts")
FIELDS = ("no", "email", "iban", "sick_days")
ZONES = ("core", "processor", "open")
PLACES = {"erp": "core", "hris": "core", "crm": "processor", "flows": "processor", "bank": "core"}
LAYERS = ("guardrail", "template:feed", "unit:sales", "unit:hr")
DUTIES = ("mask", "tokenise", "drop-fields")
BERLIN = Calendar(
    ZoneInfo("Europe/Berlin"),
    "Europe/Berlin",
    {"night": Hours(frozenset(range(7)), time(22), time(5))},
    {"freeze": (Span(datetime(2026, 3, 28), datetime(2026, 3, 29, 2, 30), "release"),)},  # noqa: DTZ001 - wall clock
)
# Beside them something happens: night, freeze, both changes of the clock, and an ordinary noon.
MOMENTS = (
    datetime(2026, 3, 2, 11, 0, tzinfo=UTC),
    datetime(2026, 3, 2, 21, 0, tzinfo=UTC),
    datetime(2026, 3, 3, 4, 0, tzinfo=UTC),
    datetime(2026, 3, 27, 23, 0, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
)

_LABELS = [
    Label(rank, frozenset(categories))
    for size in range(4)
    for categories in combinations(sorted(WORDS.categories), size)
    for rank in range(4)
]
labels = st.sampled_from(_LABELS)
label_words = st.lists(
    st.sampled_from([*WORDS.levels, *sorted(WORDS.categories), "secret"]), max_size=3
).map(tuple)
facts = st.builds(
    lambda moment, off: Facts(moment + timedelta(milliseconds=off)),
    st.sampled_from(MOMENTS),
    st.integers(-90_000, 90_000),
)


def _some(*names: str) -> list[tuple[str, ...]]:
    """Each of *names*, and each two of them."""
    return [*combinations(names, 1), *combinations(names, 2)]


_NARROWING: list[tuple[str, Sequence[object]]] = [
    ("excepted", _some(*ROLES, *UNITS, *INTEGRATIONS)),
    ("to", _some("crm", "bank", "flows")),
    ("to_zone", _some(*ZONES)),
    ("to_systems_of", ["record", "engagement"]),
    ("in_systems_of", ["record", "engagement"]),
    ("stage", ["sandbox", "production"]),
    ("label_at_least", WORDS.levels),
    ("label_at_most", WORDS.levels),
    ("category", _some(*sorted(WORDS.categories))),
    ("only_fields", _some(*FIELDS)),
    ("during", _some("night", "freeze")),
    ("outside", _some("night", "freeze")),
]
_ANYONE = ("everyone",)
_data = st.sampled_from([*[("*",)] * 12, *_some("erp/*", "hris/*", *DATASETS)])
_who = st.sampled_from([*[_ANYONE] * 40, *_some("everyone", *ROLES, *UNITS, *INTEGRATIONS)])
_actions = st.sampled_from([found for n in (1, 2, 4) for found in combinations(ACTIONS, n)])
_narrow = st.lists(
    st.sampled_from([(word, value) for word, values in _NARROWING for value in values]), max_size=2
)


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    """What any rule may say: a few actions, whom, and at most two words that narrow."""
    data = {action: draw(_data) for action in draw(_actions)}
    narrow: dict[str, Any] = dict(draw(_narrow))
    return Sentence(data, draw(_who), **narrow)


says = sentences()
_layers = st.sampled_from(LAYERS)


def rule(ref: str, layer: str, section: Section, says: Sentence) -> Rule:
    """The rule *ref* of *layer*."""
    return Rule(ref, layer, section, says, "it", f"reason of {ref}", None, Place("x.yaml", 1, 1))


@st.composite
def rules(draw: st.DrawFn, ref: str, section: Section | None = None) -> Rule:
    """A rule of any layer, of *section* or of any that the layer has."""
    layer = draw(_layers)
    covers = Section.ALLOW if layer.startswith("unit:") else Section.CEILING
    chosen = section or (Section.FORBID if draw(st.booleans()) else covers)
    return rule(f"{layer}/{ref}", layer, chosen, draw(says))


ALL = Sentence(dict.fromkeys(ACTIONS, ("*",)), ("everyone",))
WIDE = [
    rule("guardrail:all", "guardrail", Section.CEILING, ALL),
    rule("template:feed/all", "template:feed", Section.CEILING, ALL),
    rule("unit:sales/all", "unit:sales", Section.ALLOW, ALL),
    rule("unit:hr/all", "unit:hr", Section.ALLOW, ALL),
]


_DRAWN = [rules(f"r{n}") for n in range(6)]


@st.composite
def _rule_set(draw: st.DrawFn) -> dict[str, Rule]:
    """Up to six rules, with or without some that cover everything."""
    wide = [each for each in WIDE if draw(_often)]
    drawn = [draw(each) for each in _DRAWN[: draw(_up_to_six)]]
    return {each.ref: each for each in (*wide, *drawn)}


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
            [(), *_some(*ROLES)],
            [None, None, "feed"],
            ["production", "sandbox"],
            [_EVER, _EVER, ("bank", None), _OVER],
        )
    )
)
_often, _up_to_six = st.integers(0, 4), st.integers(0, 6)
_rule_sets = _rule_set()
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
        rules=draw(_rule_sets),
        model=MODEL,
    )


snapshots = _companies()
"""Companies: people and places are given; labels, flow table, roles and rules are drawn."""


def _targets() -> list[tuple[str, str, str]]:
    """Every action with every dataset, at every connection where that makes sense."""
    return [
        (action, data, f"{place}/api")
        for action in ACTIONS
        for data in DATASETS
        for place in PLACES
        if (place == data.partition("/")[0]) is (action != "send")
    ]


_actions_somewhere = st.sampled_from(_targets())
_subjects = st.sampled_from([Entity("integration", name) for name in INTEGRATIONS])
_fields = st.lists(st.sampled_from([*FIELDS, "other"]), max_size=3).map(tuple)
_paths = st.sampled_from([None, "x"])
_supported = st.sampled_from([DUTIES, DUTIES, DUTIES[:1]])
_few_words = st.just(()) | label_words


@st.composite
def _sensible(draw: st.DrawFn) -> Call:
    action, data, endpoint = draw(_actions_somewhere)
    return Call(
        subject=draw(_subjects),
        action=action,
        resource=Entity("dataset", data),
        fields=draw(_fields),
        labels=draw(_few_words),
        endpoint=endpoint,
        path=draw(_paths),
        method="POST",
        supported_obligations=draw(_supported),
    )


sensible_calls = _sensible()
"""Calls that say all they have to; whether one may run depends on the company."""

# Half surrogate pairs and controls too: deciding is total even where the wire would refuse.
noise = st.text(st.characters(exclude_categories=()), max_size=12)
_endpoints = st.one_of(
    st.sampled_from(["crm/api", "https://crm.example/", "https://flows.example:443", "sftp://a.b"]),
    st.builds("https://{}/{}".format, noise, noise),
    st.builds("https://crm.example/{}".format, noise),
)


def _or_noise(*known: str) -> st.SearchStrategy[str]:
    return st.sampled_from(known) | noise


wild_calls = st.builds(
    Call,
    subject=st.builds(Entity, _or_noise("integration", "user"), _or_noise(*INTEGRATIONS, *UNITS)),
    action=_or_noise(*ACTIONS, "", "READ", "*"),
    resource=st.builds(Entity, _or_noise("dataset", "table"), _or_noise(*DATASETS, "erp/*", "*")),
    fields=st.lists(_or_noise(*FIELDS), max_size=4).map(tuple),
    labels=st.lists(_or_noise("restricted", "personal"), max_size=3).map(tuple),
    endpoint=st.none() | _endpoints | noise,
    path=st.none() | noise,
    method=st.none() | _or_noise("GET", "POST"),
    on_behalf_of=st.lists(st.builds(Entity, noise, noise), max_size=2).map(tuple),
    rows=st.none() | st.integers(),
    bytes=st.none() | st.integers(),
    purpose=st.none() | noise,
    traceparent=st.none() | noise,
    supported_obligations=st.lists(_or_noise(*DUTIES), max_size=3).map(tuple),
)


def fields_of(owed: Obligation) -> tuple[str, ...]:
    """The fields that an obligation to treat fields names."""
    fields = owed.properties["fields"]
    assert isinstance(fields, tuple)
    return fields


Asked = list[tuple[Call, Facts]]
asks: st.SearchStrategy[Asked] = st.builds(
    add,
    st.lists(st.tuples(sensible_calls, facts), min_size=1, max_size=6),
    st.lists(st.tuples(wild_calls, facts), max_size=2),
)
"""Some calls that make sense, then some that need not, each with its moment."""


def share(
    strategy: st.SearchStrategy[Drawn], holds: Callable[[Drawn], Iterable[bool]], examples: int
) -> float:
    """The share of what *holds* says of the examples that is true; the same in every run."""
    found: list[bool] = []

    @settings(
        derandomize=True,
        database=None,
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def look(drawn: Drawn) -> None:
        found.extend(holds(drawn))

    look()
    return sum(found) / len(found)
