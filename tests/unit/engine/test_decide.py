"""Each check of a decision, alone and together."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policyd.engine.decide import MAX_REASONS, Engine
from policyd.model.call import Call, Entity
from policyd.model.codes import CODES
from policyd.model.decision import Decision, Obligation
from policyd.model.facts import Facts
from policyd.model.rules import ACTIONS, Place, Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from tests.casbin_rules import policy_lines
from tests.unit.engine.conftest import GOOD, NOON

Ask = Callable[..., Decision]
NIGHT = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
FREEZE = datetime(2026, 12, 20, 12, 0, tzinfo=UTC)
STOCK = {"data": "erp/stock", "fields": ()}
WRITE = {**STOCK, "action": "write", "endpoint": "erp/api"}
ABSENCES = {"data": "hris/absences", "fields": ("no",)}


def said(decision: Decision) -> list[str]:
    """Codes with the rule behind them, in the order given."""
    return [" ".join(filter(None, (each.code, each.rule))) for each in decision.reasons]


ALLOWED = [
    ({}, "an ordinary send"),
    ({"endpoint": "https://crm.example/v3/x"}, "the same endpoint as a URL"),
    ({"endpoint": "https://eu1.crm.example/"}, "a host below a listed suffix"),
    ({"endpoint": "https://10.1.2.3/"}, "a host in a listed network"),
    ({"path": "/contacts"}, "a path below the connection"),
    (WRITE, "a write where the data lives"),
    ({**STOCK, "action": "read", "endpoint": "erp/api"}, "a read where the data lives"),
    ({"fields": ("email",)}, "personal data to a processor"),
    ({"who": "sales/feed", **STOCK, "endpoint": "https://partner.example/"}, "inside a template"),
    ({"who": "sales/bank", **STOCK, "endpoint": "https://bank.example/"}, "a named caller"),
    (
        {"who": "sales/bank", **ABSENCES, "action": "read", "endpoint": "https://hris.example/"},
        "a read of what another unit owns",
    ),
]


@pytest.mark.parametrize(("parts", "what"), ALLOWED, ids=[what for _, what in ALLOWED])
def test_allowed(ask: Ask, parts: dict[str, Any], what: str) -> None:
    """What every layer covers and none forbids is allowed."""
    decision = ask(**parts)
    assert decision.allow, (what, said(decision))
    assert decision.valid_until == datetime(2026, 3, 2, 12, 1, tzinfo=UTC)


DENIED: list[tuple[dict[str, Any], list[str]]] = [
    ({"who": "sales/nobody"}, ["integration-unregistered"]),
    ({"subject": Entity("user", "sales/sync")}, ["integration-unregistered"]),
    (
        {"who": "sales/trial", "now": datetime(2026, 3, 3, tzinfo=UTC)},
        ["integration-expired", "unit-forbids unit:sales/not-at-night"],
    ),
    (
        {"action": "copy"},
        [
            "action-unknown",
            "outside-ceiling",
            "label-exceeds-clearance zone:open/clearance",
            "unit-does-not-allow",
        ],
    ),
    (
        {"action": "delete", **STOCK, "endpoint": "erp/api"},
        ["outside-ceiling", "unit-does-not-allow"],
    ),
    (
        {"resource": Entity("table", "erp/customers"), "fields": ()},
        ["dataset-unknown", "fields-not-named"],
    ),
    (
        {"data": "erp/unheard-of", "fields": ()},
        ["dataset-unknown", "category-never-enters-zone zone:processor/health"],
    ),
    (
        {**STOCK, "endpoint": None},
        ["call-incomplete", "label-exceeds-clearance zone:open/clearance"],
    ),
    ({**STOCK, "method": None}, ["call-incomplete"]),
    ({**WRITE, "now": FREEZE}, ["change-freeze guardrail:no-change-in-a-freeze"]),
    ({**WRITE, "who": "sales/bank"}, ["outside-ceiling"]),
    (
        {"who": "sales/sync", **ABSENCES, "endpoint": "https://bank.example/"},
        [
            "guardrail-forbids guardrail:no-health-to-bank",
            "destination-not-allowlisted destination:bank",
            "data-owner-forbids unit:hr/no-absences-out",
        ],
    ),
    (
        {"who": "sales/bank", **ABSENCES, "endpoint": "https://bank.example/"},
        ["data-owner-forbids unit:hr/no-absences-out"],
    ),
    (
        {"who": "sales/feed", "fields": ("email",), "endpoint": "https://partner.example/"},
        ["template-forbids template:feed/no-people"],
    ),
    ({"who": "sales/feed", **STOCK}, ["outside-template"]),
    (
        {**STOCK, "endpoint": "https://evil.example/"},
        ["destination-not-allowlisted", "label-exceeds-clearance zone:open/clearance"],
    ),
    (
        {**STOCK, "endpoint": "crm/typo"},
        ["endpoint-unreadable", "label-exceeds-clearance zone:open/clearance"],
    ),
    (
        {**STOCK, "endpoint": "https://user@crm.example/"},
        ["endpoint-unreadable", "label-exceeds-clearance zone:open/clearance"],
    ),
    (
        {**STOCK, "endpoint": "https://crm.example/?next=", "path": "/admin"},
        ["endpoint-unreadable", "label-exceeds-clearance zone:open/clearance"],
    ),
    (
        {**STOCK, "path": "../admin"},
        ["endpoint-unreadable", "label-exceeds-clearance zone:open/clearance"],
    ),
    (
        {"who": "sales/bank", **STOCK, "endpoint": "https://bank.example/", "method": "PUT"},
        ["method-not-allowlisted destination:bank"],
    ),
    ({**WRITE, "endpoint": "crm/api"}, ["endpoint-mismatch"]),
    ({**STOCK, "endpoint": "erp/api"}, ["endpoint-mismatch"]),
    (
        {"fields": ("email", "no"), "endpoint": "https://weather.example/"},
        [
            "category-never-enters-zone zone:open/personal",
            "label-exceeds-clearance zone:open/clearance",
        ],
    ),
    ({"labels": ("restricted",)}, ["label-exceeds-clearance zone:processor/clearance"]),
    (
        {"labels": ("secret",)},
        [
            "category-never-enters-zone zone:processor/health",
            "label-exceeds-clearance zone:processor/clearance",
        ],
    ),
    ({**STOCK, "now": NIGHT}, ["unit-forbids unit:sales/not-at-night"]),
    (
        {"who": "hr/report", **STOCK, "action": "read", "endpoint": "erp/api"},
        ["unit-does-not-allow"],
    ),
    ({"fields": ("iban",), "supported_obligations": ()}, ["obligation-unsupported"]),
    ({"fields": ()}, ["fields-not-named"]),
]


@pytest.mark.parametrize(("parts", "expected"), DENIED, ids=lambda part: str(part)[:60])
def test_denied(ask: Ask, parts: dict[str, Any], expected: list[str]) -> None:
    """Every failing check is reported, in the order of the decision, and nothing else is."""
    decision = ask(**parts)
    order = [CODES[code.split()[0]].check for code in expected]
    assert sorted(expected) == sorted(said(decision))
    assert sorted(order) == sorted(each.check for each in decision.reasons)
    assert not decision.allow
    assert decision.obligations == ()
    assert decision.valid_until is None


def test_reasons_help(ask: Ask) -> None:
    """Each reason says what, why, what to do and whom to ask; a rule's words are its own."""
    own = ask(**STOCK, now=NIGHT).reasons[0]
    assert (own.message, own.fix) == ("reason of unit:sales/not-at-night", "ask the rule's owner")
    ceiling = ask(**WRITE, who="sales/bank").reasons[0]
    assert ceiling.message == "no guardrail lets `sales/bank` write `erp/stock`"
    assert (ceiling.owner, ceiling.contact) == ("erp-team", "erp-team@test.example")
    label = ask(labels=("restricted",)).reasons[0]
    assert label.message == "`no` is restricted; zone `processor` is cleared for confidential"
    for parts, _ in DENIED:
        for reason in ask(**parts).reasons:
            assert reason.message
            assert reason.fix
            assert "{" not in reason.message + reason.fix
            assert "@" in reason.contact


MENDED: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {"who": "sales/snyc"},
        "integration-unregistered",
        "`sales/snyc` is not a registered integration",
        (
            "check its spelling, `integration` `unit/name`,"
            " or register it in units/sales/integrations.yaml"
        ),
    ),
    (
        {"who": "sails/sync"},
        "integration-unregistered",
        "`sails/sync` is not a registered integration",
        (
            "check its spelling, `integration` `unit/name`,"
            " or register it in units/<unit>/integrations.yaml"
        ),
    ),
    (
        {"endpoint": "crm/apis"},
        "endpoint-unreadable",
        (
            "the endpoint cannot be read in exactly one way:"
            " `crm/apis` is neither a connection name nor an absolute URL"
        ),
        "send a connection name such as `crm/api`, or one plain absolute URL",
    ),
    (
        {"endpoint": "https:/ida:secret@crm.example"},
        "endpoint-unreadable",
        (
            "the endpoint cannot be read in exactly one way:"
            " it is neither a connection name nor an absolute URL"
        ),
        "send a connection name such as `crm/api`, or one plain absolute URL",
    ),
    (
        {
            "data": "erp/customers",
            "fields": ("mial",),
            "endpoint": "https://partner.example/",
            "supported_obligations": (),
        },
        "obligation-unsupported",
        (
            "the call needs `drop-fields` of `mial` (not in the catalogue),"
            " which the caller did not declare that it can do"
        ),
        "support it, and declare it in context.supported_obligations or on the key",
    ),
]


@pytest.mark.parametrize(("parts", "code", "message", "fix"), MENDED)
def test_a_slip_is_mended_by_the_message_alone(
    ask: Ask, parts: dict[str, Any], code: str, message: str, fix: str
) -> None:
    """A reason says what was written and what to write; what may be a secret it does not say."""
    reason = next(each for each in ask(**parts).reasons if each.code == code)
    assert (reason.message, reason.fix) == (message, fix)
    assert reason.contact == (
        "sales@test.example" if "sales" in fix or "mial" in message else "network@test.example"
    )


OWED = [
    (("no",), "https://crm.example/", ()),
    (("iban", "no"), "https://crm.example/", (("tokenise", ("iban",)),)),
    (("email", "no"), "https://partner.example/", (("mask", ("email",)),)),
    (
        ("iban", "email"),
        "https://partner.example/",
        (("drop-fields", ("iban",)), ("mask", ("email",))),
    ),
    (("both",), "https://partner.example/", (("drop-fields", ("both",)),)),
    (("shoe-size",), "https://partner.example/", (("drop-fields", ("shoe-size",)),)),
    (("iban", "email", "iban"), "https://crm.example/", (("tokenise", ("iban",)),)),
]


@pytest.mark.parametrize(("fields", "endpoint", "owed"), OWED, ids=str)
def test_obligations(
    ask: Ask, fields: tuple[str, ...], endpoint: str, owed: tuple[tuple[str, Any], ...]
) -> None:
    """A field is treated by its strictest cell; a treated field's level no longer counts."""
    decision = ask(fields=fields, endpoint=endpoint)
    assert said(decision) == []
    expected = tuple(Obligation(kind, {"fields": names}) for kind, names in owed)
    assert expected == decision.obligations


def test_what_is_resolved(ask: Ask) -> None:
    """The decision says how it saw the call: from the snapshot, whatever the call claims."""
    seen = ask(fields=("iban",)).resolved
    assert (seen.unit, seen.stage, seen.template, seen.system) == (
        "sales",
        "production",
        None,
        "erp",
    )
    assert (seen.roles, seen.destination, seen.zone) == (("writer",), "crm", "processor")
    assert str(seen.url) == "https://crm.example/v3/"
    unknown = ask(who="sales/nobody", endpoint="https://evil.example/").resolved
    assert (unknown.unit, unknown.roles, unknown.destination) == (None, (), None)
    assert unknown.zone == "open"


def test_an_answer_ends_with_what_it_rests_on(ask: Ask) -> None:
    """An answer is good for a minute, or until a window opens or the registration ends."""
    before_night = datetime(2026, 3, 2, 21, 59, 40, tzinfo=UTC)
    assert ask(now=before_night).valid_until == datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
    early = datetime(2026, 3, 2, 9, 0, 30, tzinfo=UTC)
    assert ask(now=early).valid_until == early + timedelta(minutes=1)
    last = datetime(2026, 3, 2, 23, 59, 30, tzinfo=UTC)
    read = {**STOCK, "action": "read", "endpoint": "erp/api", "who": "sales/trial"}
    assert ask(now=last, **read).valid_until == datetime(2026, 3, 3, tzinfo=UTC)
    assert not ask(now=datetime(2026, 3, 3, tzinfo=UTC), **read).allow


def test_reasons_are_bounded_and_counted(company: Snapshot) -> None:
    """However many rules forbid a call, a bounded number is named and the rest is counted."""
    many = {
        f"guardrail:no-{n}": Rule(
            f"guardrail:no-{n}",
            "guardrail",
            Section.FORBID,
            Sentence({"send": ("*",)}, ("everyone",)),
            "it",
            "no",
            "stop",
            Place("x.yaml", n, 1),
        )
        for n in range(40)
    }
    engine = Engine(Snapshot(**{**_members(company), "rules": {**company.rules, **many}}))
    call = Call(Entity("integration", "sales/sync"), "send", Entity("dataset", "erp/stock"))
    decision = engine.decide(call, Facts(NIGHT))
    assert len(decision.reasons) == MAX_REASONS
    assert decision.more == 40 + 4 - MAX_REASONS
    assert decision.reasons[0].fix == "send context.endpoint with the call"
    assert decision.reasons[2].fix == "stop"


def _members(snapshot: Snapshot) -> dict[str, Any]:
    return {name: getattr(snapshot, name) for name in Snapshot.__slots__}


def test_a_rule_reads_as_casbin_lines() -> None:
    """Names, actions, datasets and places multiply; conditions of a place are for sends only."""
    says = Sentence(
        {"send": ("erp/*",), "read": ("*",)},
        ("a", "b"),
        excepted=("c",),
        to=("crm", "llm"),
        stage="sandbox",
        to_zone=(),
    )
    rule = Rule("unit:x/y", "unit:x", Section.FORBID, says, "it", "no", None, Place("f", 1, 1))
    lines = [" ".join(line) for line in policy_lines(rule)]
    tail = "stage=sandbox deny unit:x/y"
    assert lines == [
        f"unit:x a except:unit:x/y send erp/* crm {tail}",
        f"unit:x a except:unit:x/y send erp/* llm {tail}",
        f"unit:x b except:unit:x/y send erp/* crm {tail}",
        f"unit:x b except:unit:x/y send erp/* llm {tail}",
        f"unit:x a except:unit:x/y read * * {tail}",
        f"unit:x b except:unit:x/y read * * {tail}",
    ]


@pytest.mark.parametrize("action", [*ACTIONS, "copy", ""])
def test_nothing_but_sends_to_nowhere(ask: Ask, action: str) -> None:
    """A call of any action without endpoint and method is denied and says so."""
    decision = ask(action=action, endpoint=None, method=None)
    assert "call-incomplete" in said(decision)


def test_a_successor_decides_by_its_own_snapshot(company: Snapshot) -> None:
    """An engine that took over rules of another decides as one made of nothing."""
    one = Engine(company)
    narrower = replace(company, rules={**company.rules, **_closed(company)})
    two = one.successor(narrower)
    assert set(map(id, two.pieces())) & set(map(id, one.pieces()))
    now = Facts(NOON)
    assert one.decide(GOOD, now).allow
    assert two.decide(GOOD, now) == Engine(narrower).decide(GOOD, now)
    assert not two.decide(GOOD, now).allow


def _closed(company: Snapshot) -> dict[str, Rule]:
    """The rule by which sales allows everything, which allows nothing any more."""
    rule = company.rules["unit:sales/all"]
    return {rule.ref: replace(rule, sentence=replace(rule.sentence, data={"read": ("*",)}))}
