"""Files with rules compiled and packed: many of them by two processes."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from policyd.policy.packing import Packed, pack, unpack
from policyd.policy.rule_files import RuleFile, RuleSource, compile_rules
from policyd.policy.rule_references import Words

WORTH_A_PROCESS = 512 * 1024
"""Bytes of rules that take so long (about half a second) that a second process is quicker."""


def compile_packed(
    sources: Sequence[RuleSource],
    words: Words,
    *,
    tell: Callable[[], None] = lambda: None,
    detach: Callable[[], None] = lambda: None,
) -> Sequence[RuleFile]:
    """The files, compiled, with their rules packed.

    Args:
        sources: The files.
        words: What their checks ask the rest of the tree about.
        tell: Called after each file.
        detach: Called in the second process, if there is one, to let go of what is the first's.
    """
    size = sum(len(each.source or b"") for each in sources)
    if size < WORTH_A_PROCESS or (os.cpu_count() or 1) == 1:
        return _compiled(sources, words, tell)
    # The largest first, turn by turn, so that both have about as much to do.
    order = sorted(range(len(sources)), key=lambda at: -len(sources[at].source or b""))
    by_size = [sources[at] for at in order]
    with _second_process(by_size[1::2], words, detach) as answer:
        mine = _compiled(by_size[::2], words, tell)
        theirs = _received(answer)
    if theirs is None:
        theirs = _compiled(by_size[1::2], words, tell)
    done: list[RuleFile] = [*mine, *theirs]
    places = dict(zip([*order[::2], *order[1::2]], done, strict=True))
    return [places[at] for at in range(len(sources))]


def _compiled(
    sources: Sequence[RuleSource], words: Words, tell: Callable[[], None]
) -> list[RuleFile]:
    done = []
    for each in sources:
        found = compile_rules(each, words)
        done.append(replace(found, rules=Packed.of(found.rules)))
        tell()
    return done


@contextmanager
def _second_process(
    sources: Sequence[RuleSource], words: Words, detach: Callable[[], None]
) -> Iterator[Connection]:
    """Where another process says what *sources* come to; it is a fork, so it has all it needs."""
    here, there = multiprocessing.Pipe(duplex=False)
    context: Any = multiprocessing.get_context("fork")
    process = context.Process(target=_help, args=(there, sources, words, detach), daemon=True)
    process.start()
    there.close()
    try:
        yield here
    finally:
        process.kill()
        process.join()
        here.close()


def _help(
    answer: Connection, sources: Sequence[RuleSource], words: Words, detach: Callable[[], None]
) -> None:
    detach()
    first = os.getppid()

    def check_wanted() -> None:
        if os.getppid() != first:
            os._exit(0)  # nobody waits for the answer any more

    with answer, suppress(BrokenPipeError):
        answer.send_bytes(pack(_compiled(sources, words, check_wanted)))


def _received(answer: Connection) -> list[RuleFile] | None:
    """What the other process found; None if it ended before it could say."""
    try:
        found: list[RuleFile] = unpack(answer.recv_bytes())
    except EOFError:
        return None
    return found
