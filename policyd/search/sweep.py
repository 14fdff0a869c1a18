"""Sweep: a statement put to the log piece by piece, as long as there is time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from policyd.model.errors import LedgerUnavailable
from policyd.search.asking import Seen
from policyd.search.condition import Condition
from policyd.search.database import Broken, Cut, Database, Deadline, Parameters, Row
from policyd.search.log import Log, Piece, Way
from policyd.search.sql import OUTCOMES

Statement = Callable[[str], str]
"""The SQL to be run over a relation, which it is to call `log`."""

_OUTCOMES = f"create or replace temp table outcomes as {OUTCOMES}"
NONE: Parameters = MappingProxyType({})
_TRIES = 2
_LEAVES_S = 3.0  # for the bytes of what was found, also when the time is over


@dataclass
class Sight:
    """What was looked at so far.

    Attributes:
        records: The stretch.
        lost: Those in it that cannot be read.
        cut: Why it is not all that was wanted; empty if it is.
    """

    records: range
    lost: list[range] = field(default_factory=list)
    cut: str = ""

    def seen(self) -> Seen:
        """The same, as an answer has it."""
        lost = sorted({(each.start, each.stop) for each in self.lost})
        return Seen(self.records.start, self.records.stop, tuple(lost), self.cut)


class Sweep:
    """One question's way through the log.

    Args:
        log: Refreshed.
        database: Of the log.
        condition: That the records meet.
        size: Of the log that is asked about.
        deadline: For all that it does.
    """

    def __init__(
        self, log: Log, database: Database, condition: Condition, size: int, deadline: Deadline
    ) -> None:
        self.records = range(log.first, max(log.first, min(size, log.size)))
        self.condition = condition
        self.deadline = deadline
        self._log = log
        self._database = database
        self._asks_outcomes = condition.asks_outcomes
        self._outcomes_lost: tuple[range, ...] | None = None

    def wants_outcomes(self) -> None:
        """Say that the statement reads the table `outcomes`, whether the condition does or not."""
        self._asks_outcomes = True

    def run(
        self,
        way: Way,
        statement: Statement,
        enough: Callable[[list[Row]], bool] = lambda _rows: False,
        parameters: Parameters = NONE,
    ) -> Sight:
        """Put the statement to one piece after the other, until there is *enough*.

        Args:
            way: Where to go.
            statement: To be made for each piece.
            enough: Told the rows of each piece.
            parameters: Of the statement, besides those of the condition.

        Raises:
            LedgerUnavailable: the log cannot be read.
        """
        deadline = way.until or self.deadline
        start = way.records.stop if way.newest_first else way.records.start
        sight = Sight(range(start, start))
        parameters = self.condition.parameters | dict(parameters)
        try:
            sight.lost += self._outcomes(deadline)
            for piece in self._log.pieces(way, deadline, self.condition.may_hold):
                rows, lost = self._rows(piece, statement, parameters, deadline)
                sight.records = _joined(sight.records, piece.records)
                sight.lost += lost
                if enough(rows):
                    break
        except Cut as cut:
            sight.cut = cut.code
        return sight

    def once(
        self, statement: str, parameters: Parameters = NONE, grace_s: float = 1.0
    ) -> list[Row]:
        """What a statement gives that reads no segments, also when the time is over.

        Raises:
            Cut: it takes long itself.
        """
        return self._database.rows(statement, parameters, self.deadline.at_least(grace_s))

    def leaves(self, records: Sequence[int]) -> tuple[dict[int, bytes], Sequence[range]]:
        """The bytes of some records, and where there are none to be had.

        Raises:
            Cut: it takes long itself.
            LedgerUnavailable: the log cannot be read.
        """
        if not records:
            return {}, ()
        deadline = self.deadline.at_least(_LEAVES_S)
        numbers = ", ".join(map(str, records))  # in the text, so that row groups are skipped

        def statement(relation: str) -> str:
            return f"select seq, leaf from {relation} as log where seq in ({numbers})"

        rows, lost = self._rows(self._log.around(records, deadline), statement, {}, deadline)
        return dict(rows), lost

    def _rows(
        self, piece: Piece, statement: Statement, parameters: Parameters, deadline: Deadline
    ) -> tuple[list[Row], tuple[range, ...]]:
        """What a piece gives, and what of it is lost; a file that was spoilt meanwhile is left out.

        Raises:
            Cut: it was not through in time.
            LedgerUnavailable: the log cannot be read.
        """
        if not piece.relation:
            return [], piece.lost
        for _ in range(_TRIES):
            try:
                rows = self._database.rows(statement(piece.relation), parameters, deadline)
            except Broken as error:
                if not self._log.doubt(piece):
                    raise LedgerUnavailable(f"the log cannot be searched: {error}") from error
                piece = self._log.piece(piece.records, deadline)
            else:
                return rows, piece.lost
        raise LedgerUnavailable("segments change while they are searched: try again in a moment")

    def _outcomes(self, deadline: Deadline) -> tuple[range, ...]:
        """See to the table of outcomes, if it is asked for; where it has gaps."""
        if not self._asks_outcomes:
            return ()
        if self._outcomes_lost is None:
            piece = self._log.piece(self.records, deadline)
            _, self._outcomes_lost = self._rows(piece, _keep_outcomes, {}, deadline)
        return self._outcomes_lost


def _keep_outcomes(relation: str) -> str:
    return _OUTCOMES.replace("from log", f"from {relation} as log")


def _joined(one: range, other: range) -> range:
    if not one:
        return other
    return range(min(one.start, other.start), max(one.stop, other.stop))
