"""A decision by policy files alone, without a server: never an authorisation."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from policyd.api.wire import answer_body, read_call
from policyd.cli.findings import check_folder, told_in
from policyd.engine.decide import Engine
from policyd.model.facts import Facts
from policyd.policy.load import load
from policyd.settings import read_settings

NOTE = "dry run, not recorded, not an authorisation"


def would(policies: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """What the tree at *policies* would answer now to an AuthZEN *question*.

    It has `would` instead of a `decision`, so that nobody takes it for one.

    Raises:
        UsageError: there is no such folder.
        PolicyInvalid: the tree has findings; they are printed.
        CallRefused: the question cannot be judged.
    """
    check_folder(policies)
    settings = read_settings()
    body = json.dumps(question).encode()
    asked = read_call(body, max_depth=settings.max_depth, key_supports=())
    with told_in(policies):
        engine = Engine(load(policies))
    decision = engine.decide(asked.call, Facts(datetime.now(UTC)))
    answer: dict[str, Any] = json.loads(answer_body(decision, asked.include, in_full=True))
    is_allowed = answer.pop("decision")
    said = {"dry_run": True, "would": "allow" if is_allowed else "deny", "note": NOTE}
    return said | {"snapshot": engine.snapshot.digest} | answer
