"""Companies of any size, and calls in them, made up by arithmetic: the same in every run.

A company is made of business units, each with 50 rules: 35 guardrails about the unit, its system
or its partner, 15 rules of its own. A call meets the rules of one or two units and the 20 that are
about everyone, so that the number of rules that speak about a call does not grow with the company.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

from policyd.engine.access import MODEL
from policyd.model.calendar import Calendar, Hours, Span
from policyd.model.call import Call, Entity
from policyd.model.catalogue import Dataset, System
from policyd.model.destinations import Destination, Zone
from policyd.model.exemptions import Exemption
from policyd.model.labels import Label, Treatment, Vocabulary
from policyd.model.organisation import Integration, Owner, Template, Unit
from policyd.model.rules import Limit, Mode, Place, Rule, Section, Sentence, Softening
from policyd.model.snapshot import Snapshot

RULES_OF_UNIT = 50
DATASETS = 8  # of a system
INTEGRATIONS = 5  # of a unit
NOW = datetime(2026, 3, 3, 10, 15, 30, tzinfo=UTC)
_FAR = datetime(2030, 1, 1)  # noqa: DTZ001 - wall clock
_CAN = ("mask", "tokenise", "drop-fields", "row-limit", "log-outcome")
_WORDS = Vocabulary(
    ("public", "internal", "confidential", "restricted"),
    frozenset({"personal", "payment", "health"}),
)
_PERSONAL = frozenset({"personal"})
_FIELDS = {
    "no": Label(1, frozenset()),
    "city": Label(1, frozenset()),
    "email": Label(2, _PERSONAL),
    "iban": Label(2, frozenset({"payment"})),
}


def company(rules: int) -> Snapshot:
    """A company with about *rules* rules, at least 100."""
    units = max(2, rules // RULES_OF_UNIT)
    names = [f"u{n}" for n in range(units)]
    return Snapshot(
        digest="sha256:" + "0" * 64,
        company="large",
        vocabulary=_WORDS,
        owners={name: Owner(name, f"{name}@large.example") for name in ("it", *names)},
        units={name: Unit(name, name, name) for name in names},
        roles={},
        templates={
            name: Template(name, name, "it", frozenset(), frozenset(), False) for name in _TEMPLATES
        },
        integrations={each.id: each for n in range(units) for each in _integrations(n)},
        systems={
            f"s{n}": System(f"s{n}", _kind(n), "it", f"s{n}", f"u{n}" if n % 2 else None)
            for n in range(units)
        },
        datasets={each.id: each for n in range(units) for each in _datasets(n)},
        connections={f"s{n}/api": f"https://s{n}.example/api/" for n in range(units)}
        | {f"p{n}/api": f"https://p{n}.example/in/" for n in range(units)},
        zones={each.name: each for each in _zones()},
        unlisted="open",
        destinations={each.name: each for n in range(units) for each in _places(n)}
        | {"flows": _place("flows", "processor")},
        destinations_owner="it",
        calendar=Calendar(
            ZoneInfo("Europe/Berlin"),
            "Europe/Berlin",
            {
                "office": Hours(frozenset(range(5)), time(8), time(18)),
                "night": Hours(frozenset(range(7)), time(22), time(5)),
            },
            {"freeze": (Span(datetime(2026, 12, 18), datetime(2027, 1, 7), "year end"),)},  # noqa: DTZ001 - wall clock
        ),
        rules={each.ref: each for each in (*_common(), *_of_units(units))},
        model=MODEL,
        exemptions={each.id: each for n in range(0, units, 2) for each in _exemptions(n)},
    )


_TEMPLATES = ("sync", "feed", "report")
_ROLES = (("reader", "sender", "writer"), ("reader", "sender"), ("sender",), ("reader",), ())


def _kind(number: int) -> str:
    return "engagement" if number % 3 == 0 else "record"


def _integrations(unit: int) -> Iterator[Integration]:
    for number in range(INTEGRATIONS):
        own, roles = f"u{unit}/i{number}", tuple(f"{each}-{unit}" for each in _ROLES[number])
        yield Integration(
            id=own,
            unit=f"u{unit}",
            title=own,
            owner=f"u{unit}",
            template=_TEMPLATES[(unit + number) % 3] if number % 2 else None,
            stage="sandbox" if number == INTEGRATIONS - 1 else "production",
            runs_on="flows",
            roles=roles,
            names=frozenset({own, f"u{unit}", "everyone", *roles}),
            until=_FAR if number == 1 else None,
            deputy="it",
        )


def _datasets(unit: int) -> Iterator[Dataset]:
    for number in range(DATASETS):
        label = Label(2, _PERSONAL | {"payment"}) if number % 2 else Label(1, frozenset())
        yield Dataset(f"s{unit}/d{number}", label, _FIELDS if number % 2 else {})


def _zones() -> Iterator[Zone]:
    passes, never = Treatment.PASS, Treatment.NEVER
    rows = {
        "core": (3, passes, passes, passes),
        "processor": (2, passes, Treatment.TOKENISE, never),
        "partner": (1, Treatment.MASK, Treatment.DROP_FIELDS, never),
        "open": (0, never, never, never),
    }
    for name, (clearance, *cells) in rows.items():
        treatments = dict(zip(("personal", "payment", "health"), cells, strict=True))
        yield Zone(name, "it", f"zone {name}", None, clearance, treatments)


def _place(name: str, zone: str, **more: Any) -> Destination:  # noqa: ANN401 - fields of any type
    plain: dict[str, Any] = {
        "hosts": frozenset({f"{name}.example"}),
        "suffixes": (),
        "networks": (),
        "schemes": frozenset({"https"}),
        "ports": frozenset(),
        "paths": (),
        "methods": frozenset(),
        "who": frozenset(),
    }
    return Destination(name=name, zone=zone, owner="it", reason="listed", **plain | more)


def _places(unit: int) -> Iterator[Destination]:
    network = ip_network(f"10.{unit // 256}.{unit % 256}.0/24")
    yield _place(f"s{unit}", "core", paths=("/api/*",), networks=(network,))
    yield _place(
        f"p{unit}",
        "partner" if unit % 4 == 0 else "processor",
        suffixes=(f".p{unit}.example",),
        methods=frozenset({"GET", "POST"}),
        paths=("/in/*", "/status"),
    )


def _rule(ref: str, section: Section, says: Sentence, **more: Any) -> Rule:  # noqa: ANN401 - fields of any type
    layer = "guardrail" if ref.startswith("guardrail") else ref.partition("/")[0]
    place = Place("guardrails/access.yaml", 1, 1)
    return Rule(ref, layer, section, says, "it", f"reason of {ref}", None, place, **more)


_ALL = ("everyone",)
_ANY = ("*",)
_LOG = {"log-outcome": "15m"}


def _common() -> Iterator[Rule]:
    """The rules about everyone, and those of the templates."""
    forbids = (
        Sentence({"write": _ANY, "delete": _ANY}, _ALL, in_systems_of="record", during=("freeze",)),
        Sentence({"write": _ANY, "delete": _ANY}, _ALL, in_systems_of="record", stage="sandbox"),
        Sentence({"read": _ANY, "send": _ANY}, _ALL, stage="sandbox", category=("health",)),
        Sentence({"send": _ANY}, _ALL, to_zone=("open",), label_at_least="internal"),
        Sentence({"send": _ANY}, _ALL, to_systems_of="record", category=("health",)),
        Sentence({"send": _ANY}, _ALL, category=("health",), outside=("office",)),
        Sentence({"delete": _ANY}, _ALL, outside=("office",)),
        Sentence({"send": ("s0/*",)}, _ALL, excepted=("u0",), label_at_least="restricted"),
    )
    for number, says in enumerate(forbids):
        yield _rule(f"guardrail:no-{number}", Section.FORBID, says)
    says = Sentence({"send": _ANY}, _ALL, category=("personal",), to_zone=("partner",))
    yield _rule("guardrail:told", Section.REQUIRE, says, duties=_LOG)
    limit = Limit("rows", 10**9, "day", "unit")
    says = Sentence({"read": _ANY}, _ALL, in_systems_of="record", label_at_least="confidential")
    yield _rule("guardrail:reads", Section.LIMIT, says, limit=limit)
    limit = Limit("calls", 10**9, "hour", "integration")
    says = Sentence({"write": _ANY, "delete": _ANY}, _ALL, in_systems_of="record")
    yield _rule("guardrail:changes", Section.LIMIT, says, limit=limit)
    for name in _TEMPLATES:
        says = Sentence(dict.fromkeys(("read", "send", "write"), _ANY), _ALL)
        yield _rule(f"template:{name}/all", Section.CEILING, says)
        says = Sentence({"send": _ANY}, _ALL, category=("health",))
        yield _rule(f"template:{name}/no-health", Section.FORBID, says)


def _of_units(units: int) -> Iterator[Rule]:
    for unit in range(units):
        for number, (section, says, more) in enumerate(_guardrails(unit, units)):
            yield _rule(f"guardrail:u{unit}-{number:02}", section, says, **more)
        for number, (section, says) in enumerate(_own(unit)):
            yield _rule(f"unit:u{unit}/own-{number:02}", section, says)


Said = tuple[Section, Sentence, dict[str, Any]]


def _guardrails(unit: int, units: int) -> Iterator[Said]:
    reader, sender, writer = (f"{each}-{unit}" for each in _ROLES[0])
    here, after = f"s{unit}", f"s{(unit + 1) % units}"
    partners = (f"p{unit}", f"p{(unit + 1) % units}")
    data = [f"{here}/d{n}" for n in range(DATASETS)]
    for each in data:
        yield Section.CEILING, Sentence({"read": (each,)}, (reader,)), {}
        yield Section.CEILING, Sentence({"send": (each,)}, (sender,), to=partners), {}
    yield Section.CEILING, Sentence({"read": (f"{after}/*",)}, (reader, sender)), {}
    yield Section.CEILING, Sentence({"write": (f"{here}/*",)}, (writer,)), {}
    yield Section.CEILING, Sentence({"delete": (data[0],)}, (writer,), stage="production"), {}
    for each in data[:6]:
        says = Sentence(
            {"send": (each,)}, _ALL, (writer,), to_zone=("partner",), label_at_least="restricted"
        )
        is_soft = unit % 5 == 0
        more = {"softening": Softening(Mode.WARN, _FAR, "it")} if is_soft else {}
        yield Section.FORBID, says, more
    for number in range(3):
        who = (f"u{unit}/i{number}",)
        yield Section.FORBID, Sentence({"send": _ANY}, who, category=("health",)), {}
    for kind, each in (("log-outcome", data[1]), ("row-limit", data[2]), ("mask", data[3])):
        value = {"log-outcome": "15m", "row-limit": 10**6, "mask": ("personal",)}[kind]
        yield Section.REQUIRE, Sentence({"send": (each,)}, _ALL), {"duties": {kind: value}}
    for each, per in ((data[1], "call"), (data[3], "day"), (data[5], "hour")):
        limit = Limit("rows", 10**9, per, "integration")
        yield Section.LIMIT, Sentence({"send": (each,)}, _ALL), {"limit": limit}
    yield Section.FORBID, Sentence({"write": (data[7],)}, _ALL, (writer,)), {}


def _own(unit: int) -> Iterator[tuple[Section, Sentence]]:
    for number in range(DATASETS):
        says = Sentence(dict.fromkeys(("read", "send"), (f"s{unit}/d{number}",)), (f"u{unit}",))
        yield Section.ALLOW, says
    for number in range(3):
        says = Sentence({"read": _ANY, "write": _ANY}, (f"u{unit}/i{number}",))
        yield Section.ALLOW, says
    yield Section.FORBID, Sentence({"send": (f"s{unit}/d6",)}, (f"sender-{unit}",), to=("flows",))
    yield Section.FORBID, Sentence({"send": _ANY}, _ALL, during=("night",), category=("payment",))
    yield Section.FORBID, Sentence({"delete": _ANY}, _ALL, during=("night",))
    yield Section.FORBID, Sentence({"read": (f"s{unit}/*",)}, _ALL, category=("health",))


def _exemptions(unit: int) -> Iterator[Exemption]:
    lifted = (f"guardrail:u{unit}-19", f"zone:processor/{('payment', 'health')[unit % 2]}")
    for number, lifts in enumerate(lifted):
        scope = Sentence({"send": (f"s{unit}/d5",)}, (f"u{unit}/i0",), to=(f"p{unit}",))
        start = datetime(2026, 3, 1 + number)  # noqa: DTZ001 - wall clock
        yield Exemption(
            id=f"EX-{unit}-{number}",
            lifts=lifts,
            scope=scope,
            start=start,
            end=datetime(2026, 4, 1 + unit % 28),  # noqa: DTZ001 - wall clock
            ticket=f"T-{unit}",
            reason="until the partner can",
            asked_by=f"u{unit}",
            approved_by=("it", "u0"),
        )


_CHOSEN = (("no",), ("no", "city"), ("no", "email"), ("iban", "no", "email"))


def call(number: int, units: int) -> Call:
    """The call of a number: another for each, spread over the company; most of them allowed."""
    mixed = number * 2654435761 % 2**32
    unit, who, data = mixed % units, mixed // 7 % 4, mixed // 31 % DATASETS
    action = ("read", "send", "send", "write", "read", "send", "delete", "read")[mixed // 97 % 8]
    if action in {"write", "delete"}:
        who, data = 0, data if action == "write" else 0
    elif action == "send":
        who = min(who, 2)
    elif who == 2:
        who = 3
    place = f"p{unit}" if action == "send" else f"s{unit}"
    inside, is_named = "in" if action == "send" else "api", number % 3 > 0
    return Call(
        subject=Entity("integration", f"u{unit}/i{who}"),
        action=action,
        resource=Entity("dataset", f"s{unit}/d{data}"),
        fields=_CHOSEN[mixed // 997 % 4] if data % 2 else (),
        endpoint=f"{place}/api" if is_named else f"https://{place}.example/{inside}/{number}",
        path=f"orders/{number}" if is_named else None,
        method="POST" if action == "send" else "GET",
        rows=mixed % 100,
        supported_obligations=_CAN,
    )


def calls(count: int, snapshot: Snapshot, start: int = 0) -> list[Call]:
    """*count* calls in the company, from the one with the number *start* on."""
    return [call(number, len(snapshot.units)) for number in range(start, start + count)]


def moved(call: Call, number: int) -> Call:
    """The same call at another URL of the same place."""
    if call.path:
        return replace(call, path=f"orders/{number}")
    return replace(call, endpoint=f"{(call.endpoint or '').rpartition('/')[0]}/{number}")
