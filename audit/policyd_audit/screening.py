"""Screening: the contents of records, looked at before the walk takes them.

A record that passes needs only its number, time and stored hash held to what is before and beside
it. What does not pass is looked at again by the walk, which says what is wrong with it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from policyd_audit.alike import Acquaintance
from policyd_audit.errors import VerificationError
from policyd_audit.evidence import Evidence
from policyd_audit.tree import leaf_hash

Row = tuple[int, object, object]
"""Number, bytes and stored leaf hash of a record, as it is stored."""

_CHUNK = 512


class Seen(NamedTuple):
    """Of each record its time, None where it has to be looked at again, and its leaf hash."""

    times: list[str | None]
    hashes: list[bytes | None]


class Screened(NamedTuple):
    """Some rows, at least one, with what was seen of them, if they were looked at."""

    rows: list[Row]
    seen: Seen | None


class PassedTile(NamedTuple):
    """256 records that are right: their hash, and what of them has still to be looked at.

    `beside` has number and bytes of each record that something may lie beside.
    """

    root: bytes
    beside: list[tuple[int, bytes]]


class Passed(NamedTuple):
    """Records from `first` to below `end` that are right, and in order of time.

    They are whole tiles; leaf hashes and tiles of level 0 are those that are stored. `times` are
    those of the first record and of the last.
    """

    first: int
    end: int
    times: tuple[str, str]
    tiles: list[PassedTile]


Screen = Callable[[Evidence, int, int], Iterator[Screened | Passed]]
"""Yields the evidence's records from a number on, of so many as there should be, in order.

What the evidence raises is raised after the rows before.
"""


def unscreened(rows: Iterable[Row]) -> Iterator[Screened]:
    """Yield the rows, none of them looked at."""
    for chunk in _chunks(rows):
        yield Screened(chunk, None)


def in_full(evidence: Evidence, first: int, size: int) -> Iterator[Screened]:  # noqa: ARG001
    """Yield the rows, which the walk looks at one by one."""
    return unscreened(evidence.leaves(first))


def looked_at(rows: Iterable[Row]) -> Iterator[Screened]:
    """Yield the rows, looked at by this process."""
    for chunk in _chunks(rows):
        yield Screened(chunk, look([leaf for _, leaf, _ in chunk]))


_acquaintance = Acquaintance()


def look(leaves: Sequence[object]) -> Seen:
    """Return what is seen of these records; of what is not even bytes, nothing."""
    each = [leaf if isinstance(leaf, bytes) else None for leaf in leaves]
    times = [None if leaf is None else _acquaintance.time(leaf) for leaf in each]
    return Seen(times, [None if leaf is None else leaf_hash(leaf) for leaf in each])


def are_records(rows: Sequence[Row], first: int, hashes: Sequence[bytes | None]) -> bool:
    """Return whether the rows are records from *first* on, stored with these leaf hashes."""
    numbers, _, stored = zip(*rows, strict=True)
    return (
        numbers == tuple(range(first, first + len(rows)))
        and list(stored) == hashes
        and set(map(type, stored)) == {bytes}  # a text may equal them
    )


def are_in_order(times: Sequence[str]) -> bool:
    """Return whether no time is before the one it follows."""
    return sorted(times) == times


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the rows in lists that are not empty; what they raise, after those before."""
    chunk: list[Row] = []
    try:
        for row in rows:
            chunk.append(row)
            if len(chunk) == _CHUNK:
                yield chunk
                chunk = []
    except VerificationError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk
