"""Screening by several processes: it changes how long a verification takes, and nothing else."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import active_children
from typing import TYPE_CHECKING

import pytest

from policyd_audit.errors import Malformed
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.render import as_json
from policyd_audit.screening import Row, Screened, look, screened
from policyd_audit.tree import leaf_hash
from policyd_audit.verify import verify
from tests.unit.audit.conftest import VKEY, content, encoded, leaf

if TYPE_CHECKING:
    from tests.unit.audit.conftest import Ledger

New = Callable[[int], "Ledger"]
SIZE = 1_100
AHEAD = partial(screened, processes=2, after=3)


def rows(size: int) -> Iterator[Row]:
    """Records of a good log."""
    return ((at, leaf(at), b"") for at in range(size))


def flat(found: Iterator[Screened]) -> list[tuple[int, object, object, str | None]]:
    """All rows, each with its time if it passed."""
    out = []
    for chunk in found:
        times = chunk.seen.times if chunk.seen else [None] * len(chunk.rows)
        out += [(*row, ts) for row, ts in zip(chunk.rows, times, strict=True)]
    return out


def test_what_passes_has_its_time() -> None:
    """The time of a record that is right in itself; nothing of one that is not."""
    good, bad = leaf(1), leaf(2).replace(b'"v":1', b'"v":2')
    moved = encoded(content(5) | {"id": content(6)["id"]})
    found = look([good, bad, moved, "text", None])
    assert found.times == [content(1)["ts"], None, None, None, None]
    assert found.hashes == [*map(leaf_hash, (good, bad, moved)), None, None]


def test_rows_come_in_order_and_whole() -> None:
    """Every row comes with what was found of it, by whichever process."""
    found = flat(AHEAD(rows(SIZE)))
    assert [row[:3] for row in found] == list(rows(SIZE))
    assert [ts for *_, ts in found] == look([leaf(at) for at in range(SIZE)]).times
    assert not active_children()


@pytest.mark.parametrize("processes", [0, 1, 2])
def test_few_records_start_no_process(processes: int) -> None:
    """Where it does not pay, or is not wanted, this process looks at the rows."""
    after = 0 if processes < 2 else SIZE
    found = []
    for chunk in screened(rows(SIZE), processes, after):
        found.append(chunk)
        assert not active_children()
    assert flat(iter(found)) == [(*row, content(row[0])["ts"]) for row in rows(SIZE)]


def test_what_the_evidence_raises_comes_after_the_rows_before() -> None:
    """A log that breaks off is walked to where it does."""

    def broken() -> Iterator[Row]:
        yield from rows(700)
        raise Malformed("ledger-damaged", "it ends here")

    met: list[int] = []

    def walk() -> None:
        for chunk in AHEAD(broken()):
            met.extend(seq for seq, *_ in chunk.rows)

    with pytest.raises(Malformed, match="it ends here"):
        walk()
    assert met == list(range(700))


def test_a_killed_process_leaves_its_work_to_the_walk() -> None:
    """Its rows come all the same, not looked at."""
    size = 6_000
    source = screened(rows(size), 2, 0)
    found = [next(source)]
    for child in active_children():
        assert child.pid
        os.kill(child.pid, signal.SIGKILL)
    found += source
    assert [seq for seq, *_ in flat(iter(found))] == list(range(size))
    assert found[-1].seen is None


@pytest.mark.parametrize(
    "damage",
    [
        "update leaf set seq = seq where seq = 0",
        "delete from leaf where seq = 700",
        "update leaf set leaf = cast(replace(leaf, 'deny', 'denY') as blob) where seq = 500",
        "update leaf set hash = zeroblob(32) where seq = 41",
        "update leaf set leaf = 'text' where seq = 900",
        "update leaf set seq = 5000 where seq = 1099",
        "update leaf set leaf = (select leaf from leaf where seq = 600) where seq = 800",
    ],
)
def test_findings_do_not_depend_on_it(new_ledger: New, damage: str) -> None:
    """Every finding is the same, in the same order, with processes or without."""
    ledger = new_ledger(SIZE)
    ledger.change(damage)
    with LedgerFile(ledger.path) as evidence:
        report = verify(evidence, vkey=VKEY, screen=AHEAD)
    assert as_json(report) == as_json(ledger.verify())


def test_times_that_go_back_are_found_with_it(ledger_of: Callable[..., "Ledger"]) -> None:
    """A record that passes by itself is still held to those before it."""
    earlier = {name: content(2)[name] for name in ("id", "ts")}
    ledger = ledger_of({}, {}, {}, {}, {}, {}, earlier, {})
    with LedgerFile(ledger.path) as evidence:
        report = verify(evidence, vkey=VKEY, screen=AHEAD)
    assert as_json(report) == as_json(ledger.verify())
    assert [each.code for each in report.findings] == ["record-time"]


def test_what_was_taken_away_beside_is_found_with_it(ledger_of: Callable[..., "Ledger"]) -> None:
    """A record with something kept apart is looked at by the walk, which can see what is there."""
    apart = {"personal": ["address"], "_sd": ["A" * 43]}
    ledger = ledger_of({}, {}, {}, {}, {}, apart, {})
    with LedgerFile(ledger.path) as evidence:
        report = verify(evidence, vkey=VKEY, screen=AHEAD)
    assert as_json(report) == as_json(ledger.verify())
    assert [each.code for each in report.findings] == ["disclosure-missing"]
