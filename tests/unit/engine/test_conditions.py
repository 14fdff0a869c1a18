"""Each condition of a sentence, and that the caller's word opens nothing through one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from policyd.engine.conditions import NONE, compile_condition, condition
from policyd.engine.decide import Engine
from policyd.engine.destination import DestinationTable
from policyd.engine.resolve import Asked, resolve
from policyd.model.call import Call, Entity
from policyd.model.decision import Decision
from policyd.model.facts import Facts
from policyd.model.rules import Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from tests.unit.engine.conftest import NOON, VOCABULARY, rule

Ask = Callable[..., Decision]
SEND = Call(
    subject=Entity("integration", "sales/sync"),
    action="send",
    resource=Entity("dataset", "erp/customers"),
    fields=("no", "email"),
    endpoint="crm/api",
    method="POST",
)


@pytest.fixture
def asked(company: Snapshot) -> Asked:
    """Two fields of the customers, internal and confidential personal, sent to the CRM at noon."""
    return resolve(company, DestinationTable(company.destinations), SEND, NOON)


HOLDS = [
    (NONE, True),
    ("stage=production", True),
    ("stage=sandbox", False),
    ("in_systems_of=record", True),
    ("in_systems_of=engagement", False),
    ("to_systems_of=engagement", True),
    ("to_systems_of=record", False),
    ("to_zone=core|processor", True),
    ("to_zone=core|partner", False),
    ("only_fields=no|email|iban", True),
    ("only_fields=no", False),
    ("during=night", False),
    ("outside=night|freeze", True),
    ("stage=production to_zone=processor", True),
    ("stage=production to_zone=core", False),
]


@pytest.mark.parametrize(("text", "expected"), HOLDS)
@pytest.mark.parametrize("section", Section)
def test_conditions(asked: Asked, text: str, section: Section, expected: bool) -> None:
    """Each word holds for what it names; several words hold together."""
    assert compile_condition(text, section, VOCABULARY)(asked) is expected


OF_LABELS = [
    ("label_at_least=internal", True, True),
    ("label_at_least=confidential", True, False),
    ("label_at_least=restricted", False, False),
    ("label_at_most=public", False, False),
    ("label_at_most=internal", True, False),
    ("label_at_most=confidential", True, True),
    ("category=personal", True, False),
    ("category=health|payment", False, False),
]


@pytest.mark.parametrize(("text", "forbids", "covers"), OF_LABELS)
def test_labels_of_several_fields(asked: Asked, text: str, forbids: bool, covers: bool) -> None:
    """A forbid needs one field that is so; a rule that covers needs all of them to be so."""
    assert compile_condition(text, Section.FORBID, VOCABULARY)(asked) is forbids
    assert compile_condition(text, Section.CEILING, VOCABULARY)(asked) is covers
    assert compile_condition(text, Section.ALLOW, VOCABULARY)(asked) is covers


def test_a_whole_dataset_is_its_worst(company: Snapshot) -> None:
    """A call that names no field is about the dataset, which has all its categories."""
    call = replace(SEND, fields=())
    asked = resolve(company, DestinationTable(company.destinations), call, NOON)
    for text in ("label_at_least=restricted", "category=payment"):
        assert compile_condition(text, Section.CEILING, VOCABULARY)(asked)
        assert compile_condition(text, Section.FORBID, VOCABULARY)(asked)
    assert not compile_condition("only_fields=no", Section.CEILING, VOCABULARY)(asked)


def _with(company: Snapshot, *rules: Rule) -> Engine:
    kept = {ref: each for ref, each in company.rules.items() if ref != "guardrail:all"}
    return Engine(replace(company, rules=kept | {each.ref: each for each in rules}))


@pytest.mark.parametrize("says", [{"category": ("personal",)}, {"label_at_least": "confidential"}])
def test_an_asserted_label_enters_no_ceiling(company: Snapshot, says: dict[str, Any]) -> None:
    """Calling stock `confidential personal` does not make it what a ceiling covers."""
    only = rule("guardrail:some", Section.CEILING, data={"send": ("*",)}, **says)
    engine = _with(company, only)
    call = replace(SEND, resource=Entity("dataset", "erp/stock"), fields=())
    for labels in ((), ("confidential", "personal")):
        decision = engine.decide(replace(call, labels=labels), Facts(NOON))
        assert [each.code for each in decision.reasons] == ["outside-ceiling"]


def test_an_asserted_label_leaves_no_forbid(company: Snapshot) -> None:
    """Calling stock `confidential` takes it out of no forbid for what is at most internal."""
    data = {"send": ("*",)}
    forbid = rule("guardrail:no-trifles", Section.FORBID, data=data, label_at_most="internal")
    engine = _with(company, company.rules["guardrail:all"], forbid)
    call = replace(SEND, resource=Entity("dataset", "erp/stock"), fields=())
    for labels in ((), ("confidential",)):
        decision = engine.decide(replace(call, labels=labels), Facts(NOON))
        assert [each.rule for each in decision.reasons] == ["guardrail:no-trifles"]


def test_an_asserted_category_excuses_no_level(company: Snapshot, ask: Ask) -> None:
    """What is too high for a zone stays so, though the asserted category would be treated."""
    processor = replace(company.zones["processor"], clearance=0)
    engine = Engine(replace(company, zones={**company.zones, "processor": processor}))
    call = replace(SEND, fields=("no",), supported_obligations=("tokenise",))
    for labels in ((), ("payment",)):
        decision = engine.decide(replace(call, labels=labels), Facts(NOON))
        assert [each.code for each in decision.reasons] == ["label-exceeds-clearance"]
    assert ask(fields=("no",), labels=("payment",)).obligations[0].type == "tokenise"


def test_words_of_a_send_pass_other_actions_by() -> None:
    """What a rule says of the place of a send does not narrow its reads."""
    says = Sentence({}, (), to_zone=("core",), to_systems_of="record", during=("night", "freeze"))
    assert condition(says, "read") == "during=night|freeze"
    assert condition(says, "send") == "to_systems_of=record to_zone=core during=night|freeze"
    assert condition(Sentence({}, (), to_zone=("core",)), "write") == NONE
