"""Whatever a unit writes, nothing opens that the guardrails do not grant it."""

from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyd.engine.decide import Engine
from policyd.model.call import Call
from policyd.model.decision import Decision
from policyd.model.errors import PolicyInvalid
from policyd.policy.load import load_files
from tests.properties.asking import Asks
from tests.properties.grant import Asker, Grant
from tests.properties.sampling import fields_of, more, share
from tests.properties.trees import HR, SALES, Tree, asks_of, company, files
from tests.properties.unit_files import (
    ACCESS,
    CHEATS,
    INTEGRATIONS,
    ROLES,
    WIDE,
    honest,
    sales_files,
)
from tests.properties.world import DUTIES

COMPANY = company()
asks_of_sales = asks_of(*SALES)
asks_of_hr = asks_of(*HR)
asks_about_contacts = asks_of(*HR, system="crm/")


def engine_of(tree: Tree) -> Engine:
    """An engine for the company with these files of one unit; raises if the tree is refused."""
    return Engine(load_files(files(COMPANY | tree)))


def engine_if_valid(tree: Tree) -> Engine | None:
    """The same, or None if the tree is refused."""
    try:
        return engine_of(tree)
    except PolicyInvalid:
        return None


def _duties(tree: Tree, call: Call, now: datetime) -> dict[str, str] | None:
    unit, _, name = call.subject.id.partition("/")
    entry = (COMPANY | tree)[f"units/{unit}/integrations.yaml"]["integrations"][name]
    return Grant(COMPANY, Asker(unit, call.subject.id, entry), call, now).duties()


def _owed(decision: Decision) -> dict[str, str]:
    return {field: each.type for each in decision.obligations for field in fields_of(each)}


BASE = engine_of({})


@more(2)
@given(sales_files(), asks_of_sales)
def test_units_only_narrow(tree: Tree, asked: Asks) -> None:
    """A tree is refused, or what it allows is inside the grant and owes what the table says."""
    engine = engine_if_valid(tree)
    if engine is None:
        return
    for call, now in asked:
        decision = engine.decide(call, now)
        assert not decision.allow or _owed(decision) == _duties(tree, call, now.now)


@given(honest(), asks_of_sales)
def test_the_grant_is_there_to_be_had(tree: Tree, asked: Asks) -> None:
    """A unit that allows everything and gives out every role it may gets its grant, all of it."""
    tree[ACCESS] = {"allow": WIDE}
    for entry in tree[INTEGRATIONS]["integrations"].values():
        entry["roles"] = list(ROLES)
    engine = engine_of(tree)
    for call, now in asked:
        able = replace(call, supported_obligations=DUTIES)
        decision, owed = engine.decide(able, now), _duties(tree, able, now.now)
        assert decision.allow is (owed is not None)


@given(sales_files(), asks_of_hr)
def test_others_are_untouched(tree: Tree, asked: Asks) -> None:
    """Nothing that a unit writes changes what others may do with data that it does not own."""
    engine = engine_if_valid(tree)
    if engine is None:
        return
    for call, now in asked:
        if not call.resource.id.startswith("crm/"):
            assert engine.decide(call, now) == BASE.decide(call, now)


@given(sales_files(), asks_about_contacts)
def test_an_owner_of_data_only_forbids(tree: Tree, asked: Asks) -> None:
    """For data that it owns, a unit can take from others, and nothing but that."""
    engine = engine_if_valid(tree)
    if engine is None:
        return
    for call, now in asked:
        before, after = BASE.decide(call, now), engine.decide(call, now)
        added = Counter(after.reasons) - Counter(before.reasons)
        assert Counter(before.reasons) <= Counter(after.reasons)
        assert {each.code for each in added} <= {"data-owner-forbids"}


CLOSED = {"who": "everyone", "reason": "It is ours.", "fix": "Ask us."} | dict.fromkeys(
    ("read", "write", "delete", "send"), "anything"
)


@given(honest(), asks_about_contacts)
def test_an_owner_can_close_its_data(tree: Tree, asked: Asks) -> None:
    """A unit that forbids everything closes the data that it owns to all others."""
    tree[ACCESS]["forbid"] = {"closed": CLOSED}
    engine = engine_of(tree)
    for call, now in asked:
        assert "unit:sales/closed" in {each.rule for each in engine.decide(call, now).reasons}


HARMLESS = {"production by word", "tests and notes"}


@pytest.mark.parametrize("cheat", CHEATS)
def test_cheating_is_refused(cheat: str) -> None:
    """What a unit may not write keeps its whole tree from going live, unless it means nothing."""
    tree = company()
    CHEATS[cheat](tree)
    assert (engine_if_valid(tree) is not None) is (cheat in HARMLESS)


def _allowed(drawn: tuple[Tree, Asks]) -> list[bool]:
    engine = engine_if_valid(drawn[0])
    return [engine.decide(call, now).allow for call, now in drawn[1]] if engine else []


def test_many_calls_are_allowed() -> None:
    """The properties above are about something: of the calls to trees that load, many may run."""
    assert share(st.tuples(sales_files(), asks_of_sales), _allowed, 40) >= 0.05
    assert share(st.tuples(honest(), asks_of_hr), _allowed, 40) >= 0.05


def test_most_trees_load() -> None:
    """What is drawn is often refused and more often not."""
    assert 0.4 <= share(sales_files(), lambda tree: [bool(engine_if_valid(tree))], 50) <= 0.9
