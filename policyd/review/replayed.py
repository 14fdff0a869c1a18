"""Replayed: what a change would have done to the calls of a log, as a review tells it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

TOLD = 100
"""Rows that a review has; calls beyond them are counted."""

EXAMPLES = 3
"""Records that each row names."""


CONTRADICTED = "proof-contradicted"
"""The code of a proof that a recorded call shows to be wrong."""


class Wanted(NamedTuple):
    """Which records a review is to replay.

    Attributes:
        after: None is older than this; aware.
        before: All are older than this; aware.
        most: So many of them at most, the newest.
        seed: Draws the calls that are asked as a check on the proof; of 128 bits.
        kept: Digests of the snapshots that are kept, so that it can be seen what decided then.
    """

    after: datetime
    before: datetime
    most: int
    seed: int
    kept: frozenset[str] = frozenset()


class Replaying(NamedTuple):
    """What is wanted of the log in a data folder, whose segments are of that *level*."""

    data: str
    level: int
    wanted: Wanted


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The records that were to be replayed, and what of them could not be.

    Attributes:
        after: None is older than this, RFC 3339.
        before: All are older than this.
        first: The number of the first record.
        end: That of the record after the last.
        left_out: Older records of the window, beyond as many as are replayed at a time.
        pruned_until: When the log begins, if what was before that in the window was pruned.
        lost: Stretches that cannot be read, each by its first record and the one after its last.
        erased: Records of which something was erased. No decision reads what can be.
    """

    after: str
    before: str
    first: int
    end: int
    left_out: int = 0
    pruned_until: str | None = None
    lost: tuple[tuple[int, int], ...] = ()
    erased: int = 0


class Past(Protocol):
    """The records of a window, wherever they lie."""

    wanted: Wanted

    def records(self, watch: Callable[[str], None]) -> Iterator[tuple[int, bytes]]:
        """Index and bytes of each that can be read, in order; *watch* is told how far it is."""

    def window(self) -> Window:
        """What was read, once it was."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody decided of a call: the rules or codes against it, and what is owed."""

    allow: bool
    reasons: tuple[str, ...] = ()
    owes: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Recorded calls that come out differently, all in the same way.

    Attributes:
        outcome: `gained`, `lost`, `duty-lost`, `duty-added` or `reason-only`.
        to: The destination, or the host where none is listed.
        count: How many calls.
        drifted: How many of them the base decides otherwise than was recorded.
        first: When the first one was recorded, RFC 3339.
        last: When the last one was.
        records: Ids of some, the newest last.
        regions: Numbers of the regions that they may be in.
        recorded: What was decided at the time, of the first.
    """

    outcome: str
    caller: str
    action: str
    data: str
    to: str | None
    count: int
    drifted: int
    first: str
    last: str
    records: tuple[str, ...]
    regions: tuple[int, ...]
    recorded: Answer
    before: Answer
    after: Answer


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What a change would have done to recorded calls; all numbers are of records.

    Attributes:
        records: Records that were looked at.
        calls: Decisions among them, the `oldest` and the `newest` with their times.
        matched: Calls that a changed region, or a gap of the proof, may have; both engines decided
            them.
        sampled: Others that were drawn by `seed`, in hex, and decided as well: none of them may
            come out differently.
        counts: What becomes of the calls, by outcome.
        drifted: Decided calls that the base decides otherwise than was recorded, under an older
            policy: that is no work of the change, and is counted nowhere else.
        why: Why calls are `unknown` or `error`.
        by_base: Calls that the base itself decided at the time.
        by_others: Those that other policies decided, which are kept.
        by_unkept: Those that policies decided which are not kept.
        rows: What comes out differently, at most `TOLD`.
        more: Calls that come out differently in rows beyond these.
        contradictions: Sampled calls that come out differently, though the proof excludes it.
        withheld: Calls whose rows whoever reads this may not see.
        trouble: Why the log could not be replayed.
    """

    window: Window
    records: int = 0
    calls: int = 0
    oldest: str | None = None
    newest: str | None = None
    matched: int = 0
    sampled: int = 0
    seed: str = ""
    counts: Mapping[str, int] = {}
    drifted: int = 0
    why: Mapping[str, int] = {}
    by_base: int = 0
    by_others: int = 0
    by_unkept: int = 0
    rows: tuple[Row, ...] = ()
    more: int = 0
    contradictions: tuple[Row, ...] = ()
    withheld: int = 0
    trouble: str | None = None
