"""Recovery: what a ledger's file says of itself, read back and held to its records.

Every start goes through it, whether the last end was orderly or not.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from policyd.ledger.record import time_of
from policyd.ledger.signing import Signer
from policyd.ledger.stamp import moment
from policyd.model.errors import DataFolderError
from policyd_audit import checkpoint, note
from policyd_audit.errors import Contradiction, Malformed
from policyd_audit.tree import TILE_WIDTH, Tree, leaf_hash, restore, split

APPLICATION_ID = 0x706F6C64  # "pold"
VERSION = 1
TAIL = 256
"""Number of records at the end that are hashed again."""


class Recovered(NamedTuple):
    """Where the log goes on: its tree, and the time of its last record."""

    tree: Tree
    last_ts: str | None


class State(NamedTuple):
    """The stored state of the tree; `stack` is its compact range, `note` its checkpoint."""

    size: int
    stack: bytes
    root: bytes
    note: str


def check_format(db: apsw.Connection, path: Path) -> None:
    """See that the file is a ledger this program can write; changes nothing.

    Raises:
        DataFolderError: it is not, with a code that says why.
    """
    if db.readonly("main"):
        raise DataFolderError(
            f"the ledger `{path}` may not be written: give policyd a writable data folder",
            code="ledger-readonly",
        )
    if db.pragma("application_id") != APPLICATION_ID:
        raise DataFolderError(
            f"`{path}` is a database, but not a ledger: name another data folder",
            code="ledger-foreign",
        )
    version = db.pragma("user_version")
    if version != VERSION:
        raise DataFolderError(
            f"the ledger `{path}` has format {version}, and this policyd writes {VERSION}: "
            "use the version of policyd that wrote it",
            code="ledger-version",
        )


def _check_tables(db: apsw.Connection) -> None:
    """See that nothing is missing that is only read much later.

    Raises:
        Malformed: a table is missing.
    """
    found = {name for (name,) in db.execute("select name from sqlite_schema where type = 'table'")}
    for name in ("leaf", "tile", "state"):
        if name not in found:
            raise Malformed("table-missing", f"the table `{name}` is missing")


def recover(db: apsw.Connection, signer: Signer) -> Recovered:
    """The tree of the stored records, held to the stored state, root and checkpoint.

    Raises:
        VerificationError: they do not agree; the message says which.
    """
    _check_tables(db)
    state = stored_state(db)
    tail = _tail(db, state.size)
    unfinished = [stored for _, _, stored in tail[len(tail) - state.size % TILE_WIDTH :]]

    def tiles(level: int, first: int) -> Iterable[bytes]:
        found = db.execute(
            "select data from tile where level = ? and n >= ? order by n", (level, first)
        )
        return [data for (data,) in found]

    tree = restore(state.size, split(state.stack), unfinished, tiles)
    if tree.root() != state.root:
        raise Contradiction("root-differs", "the stored root is not that of the stored hashes")
    signed = note.parse(state.note)
    signer.verify(signed)
    if signed.text != checkpoint.body(signer.origin, state.size, state.root):
        raise Contradiction("checkpoint-differs", "the checkpoint is not that of the stored tree")
    return Recovered(tree, _last_ts(tail[-1][1]) if tail else None)


def stored_state(db: apsw.Connection) -> State:
    """The state of the tree as it stands in the file, nothing checked but its form.

    Raises:
        Malformed: there is none, or it has no such form.
    """
    row: Any = db.execute("select size, stack, root, note from state").fetchone()
    if [type(value) for value in row or ()] != [int, bytes, bytes, str] or row[0] < 0:
        raise Malformed("tree-state", "the state of the tree is missing or is not one")
    return State(*row)


def _tail(db: apsw.Connection, size: int) -> list[tuple[int, bytes, bytes]]:
    """The last records: without a gap, none beyond them, and hashed as stored."""
    first = max(0, size - TAIL)
    tail: list[Any] = db.execute(
        "select seq, leaf, hash from leaf where seq >= ? order by seq limit ?", (first, TAIL + 1)
    ).fetchall()
    if [seq for seq, _, _ in tail] != list(range(first, size)):
        raise Contradiction("records-missing", f"it does not end with record {size - 1}")
    for seq, leaf, stored in tail:
        if type(leaf) is not bytes or leaf_hash(leaf) != stored:
            raise Contradiction("leaf-differs", f"record {seq}: its bytes do not match their hash")
    return tail


def _last_ts(leaf: bytes) -> str:
    try:
        ts = time_of(leaf)
        moment(ts)
    except ValueError:
        raise Malformed("record-malformed", "the last record has no time") from None
    return ts
