"""Logs to be put at risk: their records, and what is left of them afterwards."""

import itertools
from datetime import UTC, datetime, timedelta
from hashlib import shake_128
from pathlib import Path

import apsw

from policyd.ledger.record import Admin, Epoch, encode, stamped
from policyd.ledger.signing import Signer
from policyd.ledger.stamp import Stamper
from policyd.ledger.store import Store, Tuning
from policyd_audit.tree import Tree, leaf_hash

ORIGIN = "policyd.example/log"
SIGNER = Signer(ORIGIN, b"\x07" * 32)
Batches = list[list[bytes]]


def batches(sizes: list[int]) -> Batches:
    """A log's records, in batches of the sizes named; always the same ones."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    ticks, draws = itertools.count(), itertools.count()
    stamper = Stamper(
        None,
        lambda: now + timedelta(milliseconds=next(ticks)),
        lambda size: shake_128(b"%d" % next(draws)).digest(size),
    )
    first = encode(Epoch(**stamped(stamper.draw()), origin=ORIGIN))
    return [
        [
            encode(Admin(**stamped(stamper.draw()), act="tested", target="x" * 400, by="test"))
            if number or place
            else first
            for place in range(size)
        ]
        for number, size in enumerate(sizes)
    ]


def recheck(path: Path, signer: Signer = SIGNER) -> list[bytes]:
    """The records of a ledger that was opened as a start does, with its tree added up again."""
    Store(path, signer, Tuning(synchronous="off")).close()
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    leaves = [leaf for (leaf,) in db.execute("select leaf from leaf order by seq")]
    tree = Tree()
    tiles = tree.extend(map(leaf_hash, leaves))
    assert db.execute("select * from tile order by level, n").fetchall() == sorted(tiles)
    state = db.execute("select size, root, note from state").fetchone()
    db.close()
    assert state == (tree.size, tree.root(), signer.checkpoint(tree.size, tree.root()))
    return leaves
