"""What a server of policy files would answer, without one: never an authorisation."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from policyd.api.match import shown, sought
from policyd.api.wire import Asked, answer_body, read_call
from policyd.cli.findings import check_folder, told_in
from policyd.engine.case import Case
from policyd.engine.decide import Engine
from policyd.engine.explain import explain
from policyd.engine.match import match
from policyd.engine.owners import owner_state
from policyd.model.facts import Facts
from policyd.policy.load import load
from policyd.settings import read_settings

NOTE = "dry run, not recorded, not an authorisation"


def would_answer(policies: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """What the tree at *policies* would answer now to an AuthZEN *question*.

    It is the server's answer, with the `snapshot` that gave it.

    Raises:
        UsageError: there is no such folder.
        PolicyInvalid: the tree has findings; they are printed.
        CallRefused: the question cannot be judged.
    """
    asked, engine = _opened(policies, question)
    decision = engine.judge(*_case(asked, engine))
    include = asked.include - {"valid-until"}  # it holds for nothing, so not until any time either
    answer: dict[str, Any] = json.loads(answer_body(decision, include, in_full=True))
    return answer | {"snapshot": engine.snapshot.digest}


def would_explain(policies: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """How that answer would come about; raises as `would_answer`. No limit has counted anything."""
    asked, engine = _opened(policies, question)
    explained = explain(engine, *_case(asked, engine))
    told: dict[str, Any] = json.loads(msgspec.json.encode(explained))
    return told


def would_match(policies: Path, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the tree says to a look-up with the parameters *asked*; raises as `would_answer`."""
    question, engine = sought(**asked), _engine(policies)
    found = match(engine, question.call, datetime.now(UTC))
    answer = shown(question, found, engine.snapshot, in_part=False, in_full=True)
    return answer.model_dump(exclude_unset=True)


def _opened(policies: Path, question: Mapping[str, Any]) -> tuple[Asked, Engine]:
    body = json.dumps(question).encode()
    asked = read_call(body, max_depth=read_settings().max_depth, key_supports=())
    return asked, _engine(policies)


def _case(asked: Asked, engine: Engine) -> tuple[Case, Facts]:
    """The call, opened now; no limit has counted anything."""
    now = datetime.now(UTC)
    case = engine.open(asked.call, now)
    return case, Facts(now, owner=owner_state(case))


def _engine(policies: Path) -> Engine:
    check_folder(policies)
    with told_in(policies):
        return Engine(load(policies))
