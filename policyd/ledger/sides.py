"""What the ledger's file keeps beside the log, changed in the transaction of the record of it.

The tree knows nothing of it. `disclosure` has what is personal in a record, apart from it so that
it can be erased; `hold` the holds that were placed and the records that ended them; `retained`
from which record on the log is there.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import apsw

from policyd.ledger.frames import Aside, Disclosure, Erase, Hold, Prune, Release, Sweep
from policyd.model.errors import DataFolderError, RecordsLost
from policyd_audit.disclosure import act_of, erased

SCHEMA = """
create table disclosure(id integer primary key, data blob not null);
create table hold(seq integer primary key, released integer);
create table retained(id integer primary key check(id = 1), first integer not null,
                      act integer not null);
"""
TABLES = ("disclosure", "hold", "retained")

BITS = 16
"""A disclosure's id is that of its record, shifted by so many bits, and a number within it."""

MOST = 1 << BITS
_ROWS = 500


def disclosure_id(seq: int, number: int) -> int:
    """The id of one disclosure of a record."""
    return seq << BITS | number


def apply(db: apsw.Connection, first: int, aside: Aside) -> None:
    """Change what is beside the leaves, of which the frame's first record is number *first*.

    Raises:
        DataFolderError: what is to be erased is not there.
        apsw.Error: as the commit it belongs to.
    """
    if aside.disclosures:
        _disclose(db, first, aside.disclosures)
    match aside.act:
        case Erase(ids):
            _erase(db, ids, first)
        case Hold():
            db.execute("insert into hold values(?, null)", (first,))
        case Release(hold):
            db.execute("update hold set released = ? where seq = ?", (first, hold))
        case Prune(begin):
            db.execute("insert or replace into retained values(1, ?, ?)", (begin, first))
        case Sweep(most):
            _sweep(db, most)


class PlacedHold(NamedTuple):
    """A hold: the record that placed it, what is personal in that, and the one that ended it."""

    seq: int
    leaf: bytes
    disclosures: tuple[bytes, ...]
    released: int | None


def disclosures_of(db: apsw.Connection, seq: int) -> tuple[bytes, ...]:
    """What is kept apart of a record, and what stands in the place of what was erased."""
    sql = "select data from disclosure where id >= ? and id < ? order by id"
    found = db.execute(sql, (disclosure_id(seq, 0), disclosure_id(seq + 1, 0)))
    return tuple(_bytes(data) for (data,) in found)


def disclosures_with(
    db: apsw.Connection, first: int, end: int, part: bytes
) -> list[tuple[int, bytes]]:
    """Record and disclosure of all those from one record to before another that have *part*."""
    sql = "select id, data from disclosure where id >= ? and id < ? and instr(data, ?) order by id"
    ids = (disclosure_id(first, 0), disclosure_id(end, 0))
    found: list[Any] = db.execute(sql, (*ids, part)).fetchall()
    return [(each >> BITS, _bytes(data)) for each, data in found if act_of(data) is None]


def standing(db: apsw.Connection, seq: int) -> list[tuple[int, bytes]]:
    """Id and disclosure of what is not erased of a record."""
    first = disclosure_id(seq, 0)
    found = enumerate(disclosures_of(db, seq), first)
    return [(each, data) for each, data in found if act_of(data) is None]


def holds(db: apsw.Connection, leaf_of: Callable[[int], bytes]) -> list[PlacedHold]:
    """All holds, in the order they were placed.

    A released one may have been pruned; one that is not and whose record is missing is damage,
    since nobody would know what it is on.

    Args:
        db: The ledger.
        leaf_of: Gives the bytes of a record, which may have left the ledger's file.
    """
    sql = "select seq, released from hold where seq >= ? or released is null order by seq"
    found: list[Any] = db.execute(sql, (first_of(db),)).fetchall()
    placed = []
    for seq, released in found:
        try:
            leaf = leaf_of(seq)
        except (ValueError, RecordsLost):
            if released is None:
                raise
            continue
        placed.append(PlacedHold(seq, leaf, disclosures_of(db, seq), released))
    return placed


def first_of(db: apsw.Connection) -> int:
    """The number of the record that the log begins at; those before it were pruned."""
    row: Any = db.execute("select first from retained").fetchone()
    return row[0] if row else 0


def lowest(db: apsw.Connection) -> int | None:
    """The first record of which anything is there, perhaps to be swept away; None for none."""
    of_leaves: Any = db.execute("select min(seq) from leaf").get
    of_disclosures: Any = db.execute("select min(id) >> ? from disclosure", (BITS,)).get
    return min((each for each in (of_leaves, of_disclosures) if each is not None), default=None)


def _disclose(db: apsw.Connection, first: int, disclosures: Sequence[Disclosure]) -> None:
    for start in range(0, len(disclosures), _ROWS):
        rows: list[int | bytes] = []
        for record, number, data in disclosures[start : start + _ROWS]:
            rows += (disclosure_id(first + record, number), data)
        db.execute(_insert(len(rows) // 2), rows)


def _erase(db: apsw.Connection, ids: Sequence[int], act: int) -> None:
    """Overwrite disclosures where they are.

    A row that keeps its length stays in its place, so no copy of it, or of a neighbour that is
    erased later, is left in a part of a page that is free.
    """
    for each in ids:
        row: Any = db.execute("select data from disclosure where id = ?", (each,)).fetchone()
        if row is None or act_of(row[0]) is not None:
            raise DataFolderError(
                f"disclosure {each} cannot be erased: it is not there", code="ledger-damaged"
            )
        data = erased(act, len(row[0]))
        db.execute("update disclosure set data = ? where id = ?", (data, each))


def _sweep(db: apsw.Connection, most: int) -> None:
    begin = first_of(db)
    end = min(begin, (lowest(db) or 0) + most)
    db.execute("delete from leaf where seq < ?", (end,))
    below = (disclosure_id(end, 0),)
    db.execute("update disclosure set data = zeroblob(length(data)) where id < ?", below)
    db.execute("delete from disclosure where id < ?", below)


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("what is kept beside a record is not bytes")  # noqa: TRY004 - damage, to the reader
    return value


@cache
def _insert(count: int) -> str:
    return "insert into disclosure values " + ",".join(["(?,?)"] * count)  # noqa: S608 - no input
