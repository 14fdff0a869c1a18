"""A small company, written as the values the engine works on."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, time
from ipaddress import ip_network
from typing import Any

import pytest

from policyd.engine.access import MODEL
from policyd.engine.decide import Engine
from policyd.engine.explain import explain
from policyd.model.calendar import Calendar, Hours, Span
from policyd.model.call import Call, Entity
from policyd.model.catalogue import Dataset, System
from policyd.model.decision import Decision
from policyd.model.destinations import Destination, Zone
from policyd.model.explanation import Explanation
from policyd.model.facts import Facts
from policyd.model.labels import Label, Treatment, Vocabulary
from policyd.model.organisation import Integration, Owner, Template, Unit
from policyd.model.rules import Place, Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from tests.unit.engine.telling import Change, Explain

VOCABULARY = Vocabulary(
    ("public", "internal", "confidential", "restricted"),
    frozenset({"personal", "payment", "health"}),
)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
Ask = Callable[..., Decision]


def label(*words: str) -> Label:
    """The label that *words* name."""
    return VOCABULARY.label(words)


def rule(ref: str, section: Section, *, owner: str = "it", **says: Any) -> Rule:  # noqa: ANN401 - fields of any type
    """A rule whose layer its reference names."""
    layer = ref.rpartition("/")[0] or ref.partition(":")[0]
    sentence = Sentence(**({"who": ("everyone",)} | says))
    return Rule(
        ref, layer, section, sentence, owner, f"reason of {ref}", None, Place("x.yaml", 1, 1)
    )


def place(name: str, zone: str, **more: Any) -> Destination:  # noqa: ANN401 - fields of any type
    """A destination at `<name>.example`, over https, in *zone*."""
    plain = Destination(
        name=name,
        zone=zone,
        owner="network",
        reason="a place",
        hosts=frozenset({f"{name}.example"}),
        suffixes=(),
        networks=(),
        schemes=frozenset({"https"}),
        ports=frozenset(),
        paths=(),
        methods=frozenset(),
        who=frozenset(),
    )
    return replace(plain, **more)


def integration(name: str, *roles: str, **more: Any) -> Integration:  # noqa: ANN401 - fields of any type
    """An integration of the unit that its name begins with."""
    unit = name.partition("/")[0]
    plain = Integration(
        id=name,
        unit=unit,
        title=name,
        owner=unit,
        template=None,
        stage="production",
        runs_on="flows",
        roles=roles,
        names=frozenset({name, unit, "everyone", *roles}),
        until=None,
    )
    return replace(plain, **more)


def zone(name: str, clearance: str, **cells: Treatment) -> Zone:
    """A zone with a row of the flow table."""
    rank = VOCABULARY.levels.index(clearance)
    return Zone(name, "network", f"zone {name}", None, rank, cells)


PASS, NEVER = Treatment.PASS, Treatment.NEVER
ZONES = [
    zone("core", "restricted", personal=PASS, payment=PASS, health=PASS),
    zone("processor", "confidential", personal=PASS, payment=Treatment.TOKENISE, health=NEVER),
    zone(
        "partner", "internal", personal=Treatment.MASK, payment=Treatment.DROP_FIELDS, health=NEVER
    ),
    zone("open", "public", personal=NEVER, payment=NEVER, health=NEVER),
]
DATASETS = [
    Dataset(
        "erp/customers",
        label("restricted", "personal", "payment"),
        {
            "no": label("internal"),
            "email": label("confidential", "personal"),
            "iban": label("restricted", "payment"),
            "both": label("restricted", "payment", "personal"),
        },
    ),
    Dataset("erp/stock", label("internal"), {}),
    Dataset("hris/absences", label("restricted", "personal", "health"), {"no": label("internal")}),
]
RULES = [
    rule("guardrail:all", Section.CEILING, data=dict.fromkeys(("read", "send"), ("*",))),
    rule("guardrail:erp-kept", Section.CEILING, who=("writer",), data={"write": ("erp/*",)}),
    rule(
        "guardrail:no-change-in-a-freeze",
        Section.FORBID,
        data={"write": ("*",), "delete": ("*",)},
        in_systems_of="record",
        during=("freeze",),
    ),
    rule(
        "guardrail:no-health-to-bank",
        Section.FORBID,
        excepted=("banker",),
        data={"send": ("hris/*",)},
        to=("bank",),
    ),
    rule("template:feed/take", Section.CEILING, data={"read": ("*",)}),
    rule("template:feed/give", Section.CEILING, data={"send": ("*",)}, to_zone=("partner",)),
    rule("template:feed/no-people", Section.FORBID, data={"send": ("*",)}, category=("personal",)),
    rule("unit:sales/all", Section.ALLOW, data=dict.fromkeys(("read", "write", "send"), ("*",))),
    rule("unit:sales/not-at-night", Section.FORBID, data={"send": ("*",)}, during=("night",)),
    rule("unit:hr/ours", Section.ALLOW, data={"read": ("hris/*",)}),
    rule("unit:hr/no-absences-out", Section.FORBID, data={"send": ("hris/absences",)}),
]


def _by_name(items: Iterable[Any], key: str = "name") -> dict[str, Any]:
    return {getattr(item, key): item for item in items}


@pytest.fixture
def company() -> Snapshot:
    """The company as a snapshot."""
    systems = [
        System("erp", "record", "erp-team", "ERP", None),
        System("hris", "record", "hr", "HR", "hr"),
        System("crm", "engagement", "sales", "CRM", None),
    ]
    places = [
        place("erp", "core"),
        place("hris", "core"),
        place(
            "crm", "processor", suffixes=(".crm.example",), networks=(ip_network("10.1.0.0/16"),)
        ),
        place("flows", "processor"),
        place("partner", "partner"),
        place("bank", "core", who=frozenset({"banker"}), methods=frozenset({"POST"})),
        place("weather", "open"),
    ]
    return Snapshot(
        digest="sha256:" + "0" * 64,
        company="test",
        vocabulary=VOCABULARY,
        owners={
            name: Owner(name, f"{name}@test.example")
            for name in ("it", "network", "sales", "hr", "erp-team")
        },
        units={name: Unit(name, name, name) for name in ("sales", "hr")},
        roles={},
        templates={
            "feed": Template("feed", "Feed", "it", frozenset({"flows"}), frozenset(), False)
        },
        integrations=_by_name(
            [
                integration("sales/sync", "writer"),
                integration("sales/feed", template="feed"),
                integration("sales/trial", stage="sandbox", until=datetime(2026, 3, 3)),  # noqa: DTZ001 - wall clock
                integration("sales/bank", "banker"),
                integration("hr/report"),
            ],
            "id",
        ),
        systems=_by_name(systems),
        datasets=_by_name(DATASETS, "id"),
        connections={"crm/api": "https://crm.example/v3/", "erp/api": "https://erp.example/odata"},
        zones=_by_name(ZONES),
        unlisted="open",
        destinations=_by_name(places),
        destinations_owner="network",
        calendar=Calendar(
            UTC,
            "UTC",
            {"night": Hours(frozenset(range(7)), time(22), time(5))},
            {"freeze": (Span(datetime(2026, 12, 18), datetime(2027, 1, 7), "year end"),)},  # noqa: DTZ001 - wall clock
        ),
        rules=_by_name(RULES, "ref"),
        model=MODEL,
    )


CAN = ("mask", "tokenise", "drop-fields")
GOOD = Call(
    subject=Entity("integration", "sales/sync"),
    action="send",
    resource=Entity("dataset", "erp/customers"),
    fields=("no",),
    endpoint="crm/api",
    method="POST",
    supported_obligations=CAN,
)


@pytest.fixture
def ask(company: Snapshot) -> Ask:
    """Ask for an ordinary, allowed call with parts replaced; `who` and `data` are ids."""
    engine = Engine(company)

    def asked(now: datetime = NOON, **parts: Any) -> Decision:  # noqa: ANN401 - fields of any type
        if who := parts.pop("who", None):
            parts["subject"] = Entity("integration", who)
        if data := parts.pop("data", None):
            parts["resource"] = Entity("dataset", data)
        return engine.decide(replace(GOOD, **parts), Facts(now))

    return asked


@pytest.fixture
def tell(company: Snapshot) -> Explain:
    """Explain the ordinary, allowed call with parts replaced, in a company with rules more."""

    def told(
        *rules: Rule,
        used: int = 0,
        change: Change = None,
        **parts: Any,  # noqa: ANN401
    ) -> Explanation:
        members: dict[str, Any] = {
            "rules": {**company.rules, **{each.ref: each for each in rules}},
            **(change or {}),
        }
        changed = replace(company, **members)
        if who := parts.pop("who", None):
            parts["subject"] = Entity("integration", who)
        if data := parts.pop("data", None):
            parts["resource"] = Entity("dataset", data)
        engine = Engine(changed)
        case = engine.open(replace(GOOD, **parts), NOON)
        return explain(engine, case, Facts(NOON, dict.fromkeys(case.buckets(), used)))

    return told
