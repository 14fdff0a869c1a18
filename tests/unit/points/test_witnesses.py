"""Asking witnesses: what they are sent, what is taken from them, and what becomes of the rest."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog

from policyd.ledger.signing import Signer
from policyd.model.errors import LedgerUnavailable
from policyd.points.witness_policy import read_witness_policy
from policyd.points.witnesses import Witnesses
from policyd_audit import cosignature, note
from policyd_audit.proof import Subtrees
from policyd_audit.tree import Tree, leaf_hash
from tests.witness import Reply, StubWitness, signature, text_in

SIGNER = Signer("policyd.example/log", bytes(32))
LEAVES = [leaf_hash(b"%d" % at) for at in range(100)]
PATIENT_S = 30.0


def signed(size: int) -> str:
    """The checkpoint of the first *size* leaves."""
    tree = Tree()
    tree.extend(LEAVES[:size])
    return SIGNER.checkpoint(size, tree.root())


async def prove(old: int, new: int) -> Sequence[bytes]:
    """The log's proof."""
    hashes = Subtrees(lambda _level, first, count: LEAVES[first : first + count])
    return hashes.consistency(old, new) if old else []


@pytest.fixture
def stubs() -> Iterator[list[StubWitness]]:
    """Two witnesses."""
    with ExitStack() as stack:
        yield [stack.enter_context(StubWitness(f"w{at}", at)) for at in (1, 2)]


Ask = Callable[..., list[str]]


@pytest.fixture
def ask(stubs: list[StubWitness], tmp_path: Path) -> Ask:
    """Asks both for these sizes, one after another; what each came to."""

    def asked(*sizes: int, quorum: str = "none", patience_s: float = PATIENT_S) -> list[str]:
        path = tmp_path / "witnesses"
        path.write_text("".join(each.line for each in stubs) + quorum_lines(quorum))

        async def story() -> list[str]:
            policy = read_witness_policy(path)
            async with Witnesses(policy, prove, patience_s=patience_s) as witnesses:
                return [await witnesses.cosignatures(signed(size), size) for size in sizes]

        return asyncio.run(story())

    return asked


def quorum_lines(quorum: str) -> str:
    """The end of a policy file."""
    return (
        f"group both {quorum} w1 w2\nquorum both\n" if quorum in {"any", "all"} else "quorum none"
    )


def good(size: int, lines: str, stub: StubWitness) -> bool:
    """Whether *lines* make the checkpoint one that the witness cosigned."""
    return cosignature.time_of(note.parse(signed(size) + lines), stub.key()) is not None


def test_both_cosign_and_go_on(stubs: list[StubWitness], ask: Ask) -> None:
    """Each new checkpoint comes with the proof from the one before; also an unchanged one."""
    sizes = [3, 7, 7, 64, 100]
    for size, lines in zip(sizes, ask(*sizes), strict=True):
        assert all(good(size, lines, each) for each in stubs)
    assert [body.split("\n")[0] for body in stubs[0].asked] == [
        *("old 0", "old 3", "old 7", "old 7", "old 64")
    ]


def test_a_witness_says_where_it_stands(stubs: list[StubWitness], ask: Ask) -> None:
    """After a restart nobody knows what it has cosigned: its 409 tells, and it is asked again."""
    ask(50)
    (lines,) = ask(80)
    assert all(good(80, lines, each) for each in stubs)
    assert [body.split("\n")[0] for body in stubs[0].asked] == ["old 0", "old 0", "old 50"]


def of_something_else(_: str) -> Reply:
    """Its signature, but of another text."""
    return 200, signature("w1", 1, "something else\n").encode()


def of_somebody_else(body: str) -> Reply:
    """A good signature, but of nobody the log knows."""
    return 200, signature("w1", 9, text_in(body)).encode()


def of_two_minds(body: str) -> Reply:
    """One size, and when it is met, the other."""
    return 409, b"5" if body.startswith("old 4") else b"4"


def always(status: int, body: bytes) -> Callable[[str], Reply]:
    """The same answer to everything."""
    return lambda _: (status, body)


FAULTS = {
    "nothing": (always(200, b""), "witness-malformed"),
    "not UTF-8": (always(200, b"\xff\xfe"), "witness-malformed"),
    "a page": (always(200, b"<html>"), "witness-malformed"),
    "a short line": (always(200, "\u2014 w1 AAAA\n".encode()), "witness-malformed"),
    "a long line": (always(200, b"\xe2\x80\x94 w1 " + b"A" * 100_000), "witness-malformed"),
    "a false signature": (of_something_else, "witness-false"),
    "of another key": (of_somebody_else, "witness-false"),
    "unknown log": (always(404, b"who?"), "witness-refuses"),
    "a fault": (always(500, b""), "witness-refuses"),
    "elsewhere": (always(302, b""), "witness-refuses"),
    "no size": (always(409, b""), "witness-malformed"),
    "a negative size": (always(409, b"-1"), "witness-malformed"),
    "a size of other digits": (always(409, "\u0663".encode()), "witness-malformed"),
    "the same size": (always(409, b"0"), "witness-contradicts"),
    "a larger size": (always(409, b"11\n"), "witness-ahead"),
    "other sizes": (of_two_minds, "witness-refuses"),
}


@pytest.mark.parametrize(("behave", "code"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_witness_is_left_out_and_named(
    behave: Callable[[str], Reply], code: str, stubs: list[StubWitness], ask: Ask
) -> None:
    """Whatever it answers, the other's line is there, and the log says what is wrong, once."""
    stubs[0].behave = behave
    with structlog.testing.capture_logs() as logged:
        first, second = ask(10, 10)
    for lines in (first, second):
        assert good(10, lines, stubs[1])
        assert lines.count("\n") == 1
    assert [(each["event"], each["witness"]) for each in logged] == [(code, "w1")]


def test_a_witness_that_does_not_answer_is_given_up(stubs: list[StubWitness], ask: Ask) -> None:
    """Its time is limited, and that it is back is told too."""
    stubs[0].behave = lambda _: None
    with structlog.testing.capture_logs() as logged:
        (lines,) = ask(10, patience_s=0.2)
    assert not good(10, lines, stubs[0])
    assert [each["event"] for each in logged if each["witness"] == "w1"] == ["witness-unreachable"]


def test_a_witness_that_is_away_is_asked_again(stubs: list[StubWitness], ask: Ask) -> None:
    """A fault is no state: the next checkpoint is sent to it as well, and its return is told."""
    answers = iter([(500, b"")])
    stubs[0].behave = lambda body: next(answers, None) or stubs[0].cosign(body)
    with structlog.testing.capture_logs() as logged:
        first, second = ask(10, 20)
    assert not good(10, first, stubs[0])
    assert good(20, second, stubs[0])
    assert [each["event"] for each in logged] == ["witness-refuses", "witness-cosigns-again"]


def test_a_quorum_is_demanded(stubs: list[StubWitness], ask: Ask) -> None:
    """Without it there is nothing to publish; the message names who is missing."""
    (lines,) = ask(10, quorum="all")
    assert all(good(10, lines, each) for each in stubs)
    stubs[0].behave = lambda _: (500, b"")
    assert good(20, ask(20, quorum="any")[0], stubs[1])
    with pytest.raises(LedgerUnavailable, match="without `w1`; make them reachable") as raised:
        ask(30, quorum="all")
    assert raised.value.code == "witnesses-missing"


def test_a_rewritten_log_gets_no_further(ask: Ask) -> None:
    """A witness cosigns no log that differs from what it saw, whoever signed it."""
    ask(10)
    changed = LEAVES[5]
    LEAVES[5] = leaf_hash(b"another")
    try:
        with structlog.testing.capture_logs() as logged:
            (lines,) = ask(20)
    finally:
        LEAVES[5] = changed
    assert lines == ""
    assert {each["event"] for each in logged} == {"witness-refuses"}
