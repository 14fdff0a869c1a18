"""Database: the DuckDB of a search process; imported nowhere else but there.

It has the unsealed end of the log as a table in memory, with the columns of sealed segments, reads
those as the files they are, and nothing else: neither other files nor anything from the network.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb

from policyd.ledger.parquet import ROWS, connect, quoted
from policyd.model.errors import PolicydError
from policyd.search.alarm import Alarm
from policyd.search.contents import STATEMENT, Contents, Pool, contents_of

Parameters = Mapping[str, object]
Row = tuple[Any, ...]

_CONTENTS_S = 60.0
_AT_ONCE = 2048  # records handed over at a time; DuckDB's own vectors have as many


class Cut(PolicydError):
    """A statement was not through when its time, or its memory, was; the code says which."""

    code = "time"


class Broken(PolicydError):
    """A file that a statement reads is not there any more, or damaged."""

    code = "segment-damaged"


class Deadline:
    """When an answer has to be there.

    Args:
        seconds: How long it may take from now on.
        clock: In seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, none if it is over."""
        return max(0.0, self._end - self._clock())

    def check(self) -> None:
        """Nothing, if there is time left.

        Raises:
            Cut: it is over.
        """
        if not self.left:
            raise Cut("the time is over")

    def at_least(self, seconds: float) -> "Deadline":
        """One that leaves that much time."""
        return Deadline(max(self.left, seconds), self._clock)

    def part(self, share: float) -> "Deadline":
        """One that ends after that share of what is left."""
        return Deadline(self.left * share, self._clock)


class Database:
    """Runs statements over segments and the tail; may be used by one thread at a time.

    Args:
        folder: Of the segments.
        aside: An empty folder in it for what does not fit into memory.
        memory: Bytes it may use.
        threads: Cores it may use.
    """

    def __init__(self, folder: Path, aside: Path, memory: int, threads: int) -> None:
        self._db = connect(aside, memory, threads)
        self._pool: Pool = {}
        self._alarm = Alarm(self._db.interrupt)
        self._db.execute("set parquet_metadata_cache = true")
        self._db.execute("set preserve_insertion_order = false")
        self._db.execute("set timezone = 'UTC'")
        self._db.execute("create table taken(seq bigint, leaf blob)")
        self._db.execute(f"create table tail as {ROWS}")
        self._db.execute(f"set allowed_directories = [{quoted(str(folder))}]")
        self._db.execute("set enable_external_access = false")
        self._db.execute("set lock_configuration = true")

    def add(self, records: Sequence[tuple[int, bytes]]) -> None:
        """Add records to the tail."""
        for at in range(0, len(records), _AT_ONCE):
            some = records[at : at + _AT_ONCE]
            self._db.execute(
                "insert into taken select unnest($1::bigint[]), unnest($2::blob[])",
                [[seq for seq, _ in some], [leaf for _, leaf in some]],
            )
            # Planned anew each time: a prepared statement may go by what was in the tables then.
            self._db.execute(f"insert into tail {ROWS}")
            self._db.execute("truncate taken")

    def drop(self, records: range) -> None:
        """Take records out of the tail."""
        self._db.execute(
            "delete from tail where seq >= $1 and seq < $2", [records.start, records.stop]
        )

    def contents(self, path: Path) -> Contents:
        """What is in a segment.

        Raises:
            Cut: it needs too much memory.
            Broken: its file cannot be read.
        """
        statement = STATEMENT.format(log=files([path]))
        (row,) = self.rows(statement, {}, Deadline(_CONTENTS_S, monotonic))
        return contents_of(row, self._pool)

    def rows(self, statement: str, parameters: Parameters, deadline: Deadline) -> list[Row]:
        """What a statement gives.

        Raises:
            Cut: it was not through in time, or needed more memory than it may have.
            Broken: a file cannot be read.
        """
        deadline.check()
        try:
            with self._alarm.after(deadline.left):
                return self._db.execute(statement, dict(parameters)).fetchall()
        except duckdb.InterruptException:
            raise Cut("the time is over") from None
        except duckdb.OutOfMemoryException:
            raise Cut("it needs too much memory", code="memory") from None
        except duckdb.Error as error:
            raise Broken(str(error).partition("\n")[0]) from error

    def close(self) -> None:
        """Give up what is held."""
        self._alarm.close()
        self._db.close()


def files(paths: Iterable[Path]) -> str:
    """The relation of all rows in these segments, as a part of a statement."""
    return f"read_parquet([{', '.join(quoted(str(each)) for each in paths)}])"
