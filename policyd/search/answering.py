"""Answering: each kind of question, by the statements it comes to."""

import time
from collections.abc import Callable

from policyd.model.errors import PolicydError, QueryRefused
from policyd.search import counting, flowing, pairing
from policyd.search.asking import (
    Answer,
    Facets,
    Failed,
    Flows,
    Histogram,
    Page,
    PageFound,
    Pairing,
    Question,
    Refused,
    Reply,
)
from policyd.search.condition import condition
from policyd.search.database import Cut, Database, Deadline, Row
from policyd.search.log import Log, Way
from policyd.search.sweep import Sight, Sweep

_PAGE_LEAST = 2
"""Segments that are searched first for a page: mostly they are enough."""


class Answering:
    """Answers questions, one at a time.

    Args:
        log: That is asked about.
        database: Of that log.
        clock: In seconds.
    """

    def __init__(
        self, log: Log, database: Database, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._database = database
        self._clock = clock

    def prepare(self) -> bool:
        """Do a little of what an answer would wait for; whether there was anything to do."""
        return self._log.prepare()

    def answer(self, asked: Question) -> Reply:
        """The answer, whatever comes of it."""
        scope = asked.scope
        deadline = Deadline(scope.seconds, self._clock)
        try:
            wanted = condition(scope)
            self._log.refresh()
            sweep = Sweep(self._log, self._database, wanted, scope.size, deadline)
            return _found(sweep, asked)
        except QueryRefused as error:
            return Refused(error.code, error.message, error.column, error.length, error.expected)
        except PolicydError as error:
            return Failed(error.message)


def _found(sweep: Sweep, asked: Question) -> Answer:
    match asked:
        case Page():
            return _page(sweep, asked)
        case Facets():
            return counting.facets(sweep, asked)
        case Histogram():
            return counting.histogram(sweep, asked)
        case Flows():
            return flowing.flows(sweep, asked)
        case Pairing():
            return pairing.pairs(sweep, asked)


def _page(sweep: Sweep, asked: Page) -> PageFound:
    newest_first, records = asked.newest_first, sweep.records
    if asked.cursor is not None:
        records = _beyond(records, asked.cursor, newest_first=newest_first)
    order = "desc" if newest_first else "asc"
    found: list[int] = []

    def statement(relation: str) -> str:
        return (
            f"select seq from {relation} as log where {sweep.condition.text}"
            f" order by seq {order} limit {asked.limit + 1 - len(found)}"
        )

    def enough(rows: list[Row]) -> bool:
        found.extend(seq for (seq,) in rows)
        return len(found) > asked.limit

    sight = sweep.run(Way(records, newest_first, _PAGE_LEAST), statement, enough)
    cursor = None
    if len(found) > asked.limit:
        found.pop()
        cursor = found[-1]
        # What was looked at beyond the last of the page, the next page looks at again.
        sight.records = _up_to(sight.records, cursor, newest_first=newest_first)
    elif sight.cut:
        cursor = sight.records.start if newest_first else sight.records.stop - 1
    try:
        leaves, lost = sweep.leaves(found)
    except Cut as cut:  # nothing was shown, so that nothing was looked at
        start = records.stop if newest_first else records.start
        sight = Sight(range(start, start), cut=cut.code)
        return PageFound(sight.seen(), (), start if newest_first else start - 1)
    sight.lost = [each for each in (*sight.lost, *lost) if _meets(each, sight.records)]
    records_found = tuple((seq, leaves[seq]) for seq in found if seq in leaves)
    return PageFound(sight.seen(), records_found, cursor)


def _beyond(records: range, cursor: int, *, newest_first: bool) -> range:
    if newest_first:
        return range(records.start, max(records.start, min(records.stop, cursor)))
    return range(min(records.stop, max(records.start, cursor + 1)), records.stop)


def _up_to(records: range, last: int, *, newest_first: bool) -> range:
    return range(last, records.stop) if newest_first else range(records.start, last + 1)


def _meets(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop
