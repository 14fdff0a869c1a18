"""Many files with rules are compiled by two processes, to what one makes of them."""

import os
import signal

import pytest

from policyd.policy.compiling import WORTH_A_PROCESS, compile_packed
from policyd.policy.load import Reading
from policyd.policy.names import names_of
from policyd.policy.packing import Packed
from policyd.policy.rule_files import RuleFile, RuleSource, rule_sources
from policyd.policy.rule_references import Words, words_of
from policyd.policy.tree import read_tree
from tests.unit.policy.test_cases import folder


@pytest.fixture(scope="module")
def many() -> tuple[list[RuleSource], Words]:
    """Files with more rules than one process should compile alone, one of them with findings."""
    files = folder("minimal")
    comment = b"# " + b"x" * (WORTH_A_PROCESS // 2) + b"\n"
    files["units/hr/access.yaml"] += comment
    files["guardrails/access.yaml"] = comment + files["guardrails/access.yaml"]
    access = files["units/hr/access.yaml"]
    files["units/hr/access.yaml"] = access.replace(b"books/staff", b"books/nothing")
    tree, _ = read_tree(files, Reading().fit)
    return list(rule_sources(tree, files)), words_of(tree, names_of(tree))


def unpacked(found: list[RuleFile]) -> list[tuple[object, ...]]:
    """What is comparable of compiled files."""
    return [(each.refs, tuple(each.rules), each.findings, each.asks_integrations) for each in found]


@pytest.mark.parametrize("dies", [False, True], ids=["helped", "left alone"])
def test_two_make_what_one_makes(many: tuple[list[RuleSource], Words], *, dies: bool) -> None:
    """In the same order; also where the second process dies and the first has to do it all."""
    sources, words = many
    told, first = [], os.getpid()

    def detach() -> None:
        assert os.getpid() != first
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)

    found = compile_packed(sources, words, tell=lambda: told.append(1), detach=detach)
    alone = Reading().rule_files(sources, words)
    assert unpacked(list(found)) == unpacked(list(alone))
    assert all(isinstance(each.rules, Packed) for each in found)
    assert any(each.findings for each in found)
    assert len(told) == (len(sources) if dies or os.cpu_count() == 1 else (len(sources) + 1) // 2)


def test_few_are_compiled_by_one(many: tuple[list[RuleSource], Words]) -> None:
    """A second process is not worth its start."""
    sources, words = many
    told: list[int] = []
    compile_packed(sources[1:2], words, tell=lambda: told.append(1), detach=pytest.fail)
    assert told == [1]
