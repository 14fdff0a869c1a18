"""Prints the answers of the company to every sensible call, in a process of its own.

Sets are printed in order, so that only what the answers say can differ.
"""

import json
import sys
from dataclasses import asdict
from functools import cache
from typing import Any

from policyd.engine.decide import Engine
from policyd.model.call import Call, Entity
from policyd.model.decision import Obligation, Reason
from policyd.model.facts import Facts
from policyd.model.labels import Label
from policyd.policy.load import load_files
from tests.properties.asking import targets
from tests.properties.trees import company, files
from tests.properties.world import DUTIES, MOMENTS


@cache
def answers() -> list[dict[str, Any]]:
    """Every integration's answers to every sensible call, with fields and without."""
    tree = company()
    snapshot = load_files(files(tree))
    engine = Engine(snapshot)
    places = tree["guardrails/destinations.yaml"]["destinations"]
    return [
        engine.decide(call, Facts(MOMENTS[0]))._asdict()
        for who in sorted(snapshot.integrations)
        for action, data, endpoint in targets(sorted(snapshot.datasets), places)
        for fields in ((), ("email",), ("number", "iban"))
        for call in [
            Call(
                Entity("integration", who),
                action,
                Entity("dataset", data),
                fields=fields,
                endpoint=endpoint,
                method="POST",
                supported_obligations=DUTIES,
            )
        ]
    ]


def _plain(value: object) -> object:
    if isinstance(value, Reason | Obligation | Label):
        return asdict(value)
    return sorted(value) if isinstance(value, frozenset) else str(value)


def text() -> str:
    """The answers as JSON, one thing a line."""
    return json.dumps(answers(), default=_plain, indent=0)


if __name__ == "__main__":
    sys.stdout.write(text())
