"""Peers are given the same rules: what their files say is what the company says."""

import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.benchmarks.company import Company, Question
from tests.benchmarks.peers.casbin import engine as casbin
from tests.benchmarks.peers.cedar import engine as cedar
from tests.benchmarks.peers.cerbos import server as cerbos
from tests.benchmarks.peers.opa import server as opa
from tests.benchmarks.peers_setup import PEERS, Peer, install

COMPANY = Company(500)
QUESTIONS = list(islice(COMPANY.questions(), 200))
FOLDER = Path(cerbos.__file__).parents[1]


def test_casbin(tmp_path: Path) -> None:
    """pycasbin itself answers as the company says."""
    casbin.write(COMPANY, tmp_path / "policy.csv")
    enforcer = casbin.load(tmp_path / "policy.csv")
    for question in QUESTIONS[:60]:
        assert enforcer.enforce(*casbin.arguments(question)) == COMPANY.may(question), question


def test_cedar() -> None:
    """Each rule is one policy; everyone and everything asked about is an entity."""
    text = cedar.policies(COMPANY)
    assert len(re.findall("^permit ", text, re.MULTILINE)) == sum(
        not rule.is_forbid for rule in COMPANY.rules
    )
    assert text.count(";") == len(COMPANY.rules)
    known = {(each["uid"]["type"], each["uid"]["id"]) for each in cedar.entities(COMPANY)}
    for question in QUESTIONS:
        assert {("Integration", question.integration), ("Data", question.dataset)} <= known


def test_cerbos() -> None:
    """The policies, read as Cerbos reads them, answer as the company says."""
    policies = cerbos.policies(COMPANY)
    for question in QUESTIONS:
        kind = question.dataset.partition("/")[0]
        rules = policies[kind]["resourcePolicy"]["rules"]
        effects = {rule["effect"] for rule in rules if _speaks(rule, question)}
        assert (effects == {"EFFECT_ALLOW"}) == COMPANY.may(question), question


def _speaks(rule: dict[str, Any], question: Question) -> bool:
    """Whether a rule of Cerbos is about the question, the flow of labels aside."""
    named = re.fullmatch(r"R\.id in (\[.*\])", _expression(rule))
    return (
        rule["roles"] != ["*"]
        and set(rule["roles"]) <= set(COMPANY.closure[question.integration])
        and rule["actions"] == [question.action]
        and (named is None or question.dataset in json.loads(named[1]))
    )


def _expression(rule: dict[str, Any]) -> str:
    expression: str = rule.get("condition", {"match": {"expr": ""}})["match"]["expr"]
    return expression


def test_opa() -> None:
    """The data, looked up as the policy does, answers as the company says."""
    data = opa.data(COMPANY)
    for question in QUESTIONS:
        names = (question.dataset, f"{question.dataset.partition('/')[0]}/*")
        said = {
            effect: any(
                name in data[effect].get(role, {}).get(question.action, {})
                for role in data["integrations"][question.integration]
                for name in names
            )
            for effect in ("allow", "forbid")
        }
        assert (said["allow"] and not said["forbid"]) == COMPANY.may(question), question


def test_cerbos_is_configured_to_keep_its_decisions() -> None:
    """The comparison is with a decision log that is on, in Cerbos' own store."""
    audit = yaml.safe_load(cerbos.CONFIG.read_text(encoding="utf-8"))["audit"]
    assert audit["enabled"]
    assert audit["decisionLogsEnabled"]
    assert audit["backend"] == "local"


@pytest.mark.parametrize("peer", ["casbin", "cedar", "cerbos", "echo", "opa"])
def test_every_peer_is_explained(peer: str) -> None:
    """Why a peer runs as it does stands beside its files."""
    assert (FOLDER / peer / "README.md").stat().st_size > 300


def _quietly(_: str) -> None:
    """Nobody listens."""


def test_a_peer_that_cannot_be_installed_is_named() -> None:
    """Without its package manager a peer stays away, and it is said what is needed."""
    missing = Peer("Somebody", "1", ("no-such-program",), lambda: "", list)
    assert any("Somebody: `no-such-program`" in each for each in install(_quietly, [missing]))


def test_a_peer_that_is_there_is_left_alone() -> None:
    """Nothing is installed twice."""
    there = Peer("Somebody", "1", ("no-such-program",), lambda: "1", list)
    assert not any("Somebody" in each for each in install(_quietly, [there]))


def test_peers_have_names_of_their_own() -> None:
    """A missing peer can be told by its name."""
    assert len({peer.name for peer in PEERS}) == len(PEERS)
