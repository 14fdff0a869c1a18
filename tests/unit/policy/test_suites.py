"""The sample's own policy tests are true: each call that they try is asked of the engine."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from policyd.engine.decide import Engine
from policyd.engine.owners import owner_state
from policyd.model.call import Call, Entity
from policyd.model.decision import Decision, Reason
from policyd.model.facts import Facts
from policyd.model.rules import ACTIONS, Mode
from policyd.policy.documents import read
from policyd.policy.load import load
from policyd.policy.suite_shapes import CaseEntry, SuiteFile

POLICIES = Path(__file__).parents[3] / "policies"
SUITES = sorted(POLICIES.rglob("*_test.yaml"))
METHODS = {"read": "GET", "delete": "DELETE"}
ALL_DUTIES = ("mask", "tokenise", "drop-fields", "row-limit", "log-outcome")


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The sample company, ready to decide."""
    return Engine(load(POLICIES))


def suite(path: Path) -> SuiteFile:
    """The suite in the file *path*."""
    document, findings = read(path.name, path.read_bytes())
    assert findings == []
    return SuiteFile.model_validate(document.data)


def cases() -> Iterator[Any]:
    """Every entry that tries calls, with the moment of its suite."""
    for path in SUITES:
        found = suite(path)
        for case in found.tests:
            if case.try_:
                yield pytest.param(case, case.now or found.now, id=f"{path.stem}: {case.it}")


def several(value: str | list[str] | None) -> list[str | None]:
    """One value, or each of several."""
    return [*value] if isinstance(value, list) else [value]


def calls(case: CaseEntry, connections: Mapping[str, str]) -> Iterator[Call]:
    """The calls of the table."""
    table = case.try_
    assert table
    action = next(each for each in ACTIONS if getattr(table, each))
    data = several(getattr(table, action))
    for who, what, to in product(several(table.who), data, several(table.to or table.at)):
        system = f"{what}".partition("/")[0]
        home = next(name for name in connections if to or name.startswith(f"{system}/"))
        yield Call(
            Entity("integration", f"{who}"),
            action,
            Entity("dataset", f"{what}"),
            fields=tuple(table.fields or ()),
            endpoint=to or home,
            path=table.path,
            method=table.method or METHODS.get(action, "POST"),
            rows=table.rows,
            supported_obligations=ALL_DUTIES if table.can is None else tuple(table.can),
        )


def is_expected(case: CaseEntry, call: Call) -> bool:
    """Whether the case expects an allow of *call*."""
    parts = {"who": call.subject.id, "data": call.resource.id, "to": call.endpoint}
    listed = [each.model_dump(exclude_none=True) for each in case.allow_only or ()]
    return case.expect == "allow" or any(each.items() <= parts.items() for each in listed)


def names(reasons: Iterator[Reason]) -> set[str | None]:
    """Codes and rules."""
    return {name for each in reasons for name in (each.code, each.rule)}


def check(case: CaseEntry, decision: Decision) -> None:
    """All that the case says of one decision besides the answer."""
    soft = decision.softened
    advised = names(each for each in soft if each.mode is Mode.WARN)
    advised |= {each.type for each in decision.advice}
    if not decision.allow:
        assert set(case.because or ()) <= names(iter(decision.reasons))
    elif case.obligations is not None:
        owed = {each.type: next(iter(each.properties.values())) for each in decision.obligations}
        assert case.obligations == {k: [*v] if isinstance(v, tuple) else v for k, v in owed.items()}
    assert set(case.advice or ()) <= advised
    assert set(case.would_deny or ()) <= names(e for e in soft if e.mode is Mode.OBSERVE)
    assert set(case.lifted or ()) <= {each.exemption for each in soft}


@pytest.mark.parametrize(("case", "now"), list(cases()))
def test_the_sample_does_what_its_tests_say(engine: Engine, case: CaseEntry, now: str) -> None:
    """What a policy owner wrote down as true is true."""
    for call in calls(case, engine.snapshot.connections):
        opened = engine.open(call, datetime.fromisoformat(now))
        facts = Facts(datetime.fromisoformat(now), case.used or {}, owner_state(opened))
        decision = engine.judge(opened, facts)
        said = [f"{each.code} {each.rule}" for each in decision.reasons]
        assert decision.allow == is_expected(case, call), f"{call}: {said}"
        check(case, decision)


def test_there_are_suites_of_the_guardrails_and_of_every_unit() -> None:
    """Each folder of tests has some."""
    folders = {path.parent.relative_to(POLICIES).as_posix() for path in SUITES}
    units = ("sales", "webshop", "plants", "hr", "finance")
    assert folders == {"tests", *(f"units/{unit}/tests" for unit in units)}
