"""Decisions of one company, case by case: what is asked, what is answered, what is recorded.

A file of `tests/cases/decisions` has a base `call` and `cases`. Each case is a sentence, what
differs from the base call, the moment, and the record that is expected; `used` is what limits
have counted, `change` a small edit of the company's files.
"""

import functools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from policyd.engine.decide import Engine
from policyd.engine.owners import owner_state
from policyd.ledger.decision_record import Basis, Request, decision_record
from policyd.ledger.stamp import Stamp, timestamp
from policyd.model.call import Call, Entity
from policyd.model.codes import CODES
from policyd.model.decision import Decision
from policyd.model.facts import Facts, OwnerState
from policyd.policy.load import load_files

CASES = Path(__file__).parents[2] / "cases"
MONDAY = "2026-03-02T10:00Z"  # eleven o'clock in the company's zone
OF_BATCHES = {"item-malformed", "not-evaluated"}
NAMED = {"row-limit": "rows", "log-outcome": "within"}
MEMBERS = {
    *("it", "but", "at", "used", "owner", "change", "allow", "would", "reasons", "owes", "advice"),
    *("counts", "facts", "call", "until", "says", "approval"),
}


def files() -> dict[str, bytes]:
    """The company's files by path."""
    root = CASES / "company"
    found = (each for each in sorted(root.rglob("*")) if each.is_file())
    return {each.relative_to(root).as_posix(): each.read_bytes() for each in found}


@functools.cache
def engine(*changes: tuple[str, str, str]) -> Engine:
    """The company, with texts of its files replaced: path, old, new."""
    tree = files()
    for path, old, new in changes:
        assert tree[path].count(old.encode()) == 1, f"{path} has not one {old!r}"
        tree[path] = tree[path].replace(old.encode(), new.encode())
    return Engine(load_files(tree))


def cases() -> Iterator[Any]:
    """Every case with the base call of its file, named by its file and its sentence."""
    for path in sorted((CASES / "decisions").glob("*.yaml")):
        table = yaml.safe_load(path.read_text("utf-8"))
        for case in table["cases"]:
            yield pytest.param(table["call"], case, id=f"{path.stem}: {case['it']}")


def call_of(said: Mapping[str, Any]) -> Call:
    """The call that a case describes."""
    parts: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in said.items()
    }
    who, data = parts.pop("who"), parts.pop("data")
    supports = parts.pop("can", ())
    return Call(
        subject=Entity(parts.pop("type", "integration"), who),
        resource=Entity(parts.pop("kind", "dataset"), data),
        supported_obligations=supports,
        **parts,
    )


def decided(base: Mapping[str, Any], case: Mapping[str, Any]) -> tuple[Engine, Call, Facts]:
    """The engine, the call and the facts of *case*, as the decision point gathers them."""
    changes = [
        (path, old, new) for path, pairs in case.get("change", {}).items() for old, new in pairs
    ]
    deciding, call = engine(*changes), call_of({**base, **case.get("but", {})})
    now = datetime.fromisoformat(case.get("at", MONDAY)).astimezone(UTC)
    opened, used = deciding.open(call, now), case.get("used", {})
    assert used.keys() <= opened.buckets().keys(), "no such limit applies"
    owner = OwnerState(case["owner"]) if "owner" in case else owner_state(opened)
    return deciding, call, Facts(now, {ref: used.get(ref, 0) for ref in opened.buckets()}, owner)


def recorded(deciding: Engine, call: Call, facts: Facts, decision: Decision) -> dict[str, Any]:
    """The record of a decision, as JSON says it."""
    stamp = Stamp(facts.now, timestamp(facts.now), "019ca972-72fa-7abc-8def-0123456789ab", "0" * 32)
    snapshot = deciding.snapshot
    basis = Basis(snapshot.digest, "folder", "policyd 0.1.0", snapshot.vocabulary)
    leaf = decision_record(stamp, Request("::1", "k1"), call, facts, decision, basis)
    found: dict[str, Any] = msgspec.json.decode(leaf)
    return found


def expected(case: Mapping[str, Any]) -> dict[str, Any]:
    """The members of the record that hang on the decision; absent where a case says nothing."""
    return {
        "decision": "allow" if case.get("allow", False) else "deny",
        "would": case.get("would"),
        "reasons": [_reason(each) for each in case.get("reasons", ())],
        "obligations": _duties(case.get("owes", {})),
        "advice": _duties(case.get("advice", {})),
        "counted": case.get("counts", {}),
    }


def _reason(text: str) -> dict[str, str]:
    """A reason of the record, from `code rule mode=warn exemption=EX-1`."""
    code, *rest = text.split()
    pairs = (part.partition("=") for part in rest)
    named = {key: value for key, is_pair, value in pairs if is_pair}
    if rest and "=" not in rest[0]:
        named["rule"] = rest[0]
    return {"code": code, "check": CODES[code].check, **named}


def _duties(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Obligations of the record, from `{mask: [email], row-limit: 100}`."""
    return [
        {"id": kind, "type": kind, "properties": {NAMED.get(kind, "fields"): value}}
        for kind, value in said.items()
    ]


@pytest.mark.parametrize(("base", "case"), list(cases()))
def test_cases(base: Mapping[str, Any], case: Mapping[str, Any]) -> None:
    """The decision and its record are those of the case, and no member of it goes unread."""
    assert case.keys() <= MEMBERS
    deciding, call, facts = decided(base, case)
    decision = deciding.decide(call, facts)
    record = recorded(deciding, call, facts, decision)
    absent: dict[str, Any] = {"would": None, "advice": [], "counted": {}}
    assert {key: (absent | record)[key] for key in expected(case)} == expected(case)
    for member, value in case.get("call", {}).items():
        assert record["call"].get(member) == value, member
    for member, value in case.get("facts", {}).items():
        assert record["facts"].get(member) == value, member
    if "until" in case:
        assert record["valid_until"] == timestamp(datetime.fromisoformat(case["until"]))
    assert list(decision.approval) == case.get("approval", [])
    told = [*decision.reasons, *decision.softened]
    messages = " / ".join(f"{each.message}; {each.fix}" for each in told)
    for words in case.get("says", ()):
        assert words in messages


@pytest.mark.parametrize(("base", "case"), list(cases()))
def test_replay(base: Mapping[str, Any], case: Mapping[str, Any]) -> None:
    """The same call, snapshot and recorded facts give the same record again."""
    deciding, call, facts = decided(base, case)
    record = recorded(deciding, call, facts, deciding.decide(call, facts))
    known = record["facts"]
    again = Facts(
        datetime.fromisoformat(known["now"]),
        known.get("used", {}),
        OwnerState(known.get("owner", "active")),
    )
    fresh = Engine(deciding.snapshot)
    assert recorded(fresh, call, again, fresh.decide(call, again)) == record


def test_every_way_to_fail_is_met() -> None:
    """The cases leave out no reason code but a fault of the engine's own, and those of batches."""
    said = [reason for each in cases() for reason in each.values[1].get("reasons", ())]
    met = {text.split()[0] for text in said}
    assert CODES.keys() - met == {"engine-error", *OF_BATCHES}


def test_there_are_enough_cases() -> None:
    """No sentence stands twice, and there are 150 at least."""
    named = [each.id for each in cases()]
    assert len(named) == len(set(named)) >= 150
