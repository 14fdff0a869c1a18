"""Parquet: stretches of the log as files that can be searched, written and read by DuckDB.

DuckDB is imported here and nowhere else, and this module only in processes of their own: never
where checks are answered. A file has one row for each record, in order: `seq`, the columns of
`COLUMNS`, which repeat for search what the record says, and `leaf`, its very bytes.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import duckdb

from policyd.ledger.promoted import ADDRESS_KEY, HOST, PLAIN
from policyd.model.errors import PolicydError

ROW_GROUP = 8192
"""Rows whose least and greatest values are known to a reader, which skips them by those."""

_TAKEN = 2048  # rows handed over or read at a time; DuckDB's own vectors have as many

_TEXT = "VARCHAR"
_NUMBER = "BIGINT"


def _texts(names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), _TEXT)


_SHAPE: dict[str, Any] = {
    **_texts("id ts kind decision would snapshot status error text act target name by reason"),
    "rows": _NUMBER,
    "bytes": _NUMBER,
    "index": _NUMBER,
    "caller": _texts("key address"),
    "call": {
        **_texts("subject subject_type action system dataset unit stage template purpose"),
        **_texts("traceparent request_id"),
        "roles": [_TEXT],
        "sources": [_TEXT],
        "fields": [_TEXT],
        "labels": {"asserted": [_TEXT], "effective": [_TEXT]},
        "destination": _texts("sent canonical name zone"),
        "volume": {"rows": _NUMBER, "bytes": _NUMBER},
        "on_behalf_of": [_texts("type id")],
    },
    "facts": _texts("owner"),
    "reasons": [_texts("code check rule mode exemption")],
    "obligations": [_texts("type")],
}

COLUMNS: dict[str, str] = {
    "ts": "try_cast(r.ts as timestamp)",  # RFC 3339 in UTC, to the microsecond
    "id": "r.id",
    "kind": "r.kind",
    "decision": "case r.kind when 'decision' then r.decision end",
    "would": "r.would",
    "key": "r.caller.key",
    "address": "r.caller.address",
    "address_key": ADDRESS_KEY,
    "unit": "r.call.unit",
    "subject": "r.call.subject",
    "integration": "case when r.call.subject_type is null then r.call.subject end",
    "stage": "r.call.stage",
    "template": "r.call.template",
    "roles": "r.call.roles",
    "on_behalf_of": "list_transform(r.call.on_behalf_of, lambda x: x.type || ':' || x.id)",
    "action": "r.call.action",
    "system": "r.call.system",
    "dataset": "r.call.dataset",
    "fields": "r.call.fields",
    "sources": "r.call.sources",
    "level": "r.call.labels.effective[1]",  # a record names the level first, then the categories
    "categories": "r.call.labels.effective[2:]",
    "asserted": "r.call.labels.asserted",
    "endpoint": "coalesce(r.call.destination.canonical, r.call.destination.sent)",
    "sent": "r.call.destination.sent",
    "host": HOST,
    "destination": "r.call.destination.name",
    "zone": "r.call.destination.zone",
    "purpose": "r.call.purpose",
    "rows": "coalesce(r.call.volume.rows, r.rows)",
    "bytes": "coalesce(r.call.volume.bytes, r.bytes)",
    "reasons": "list_transform(r.reasons, lambda x: x.code)",
    "checks": "list_transform(r.reasons, lambda x: x.check)",
    "rules": "list_filter(list_transform(r.reasons, lambda x: x.rule), lambda x: x is not null)",
    "modes": "list_filter(list_transform(r.reasons, lambda x: x.mode), lambda x: x is not null)",
    "exemptions": (
        "list_filter(list_transform(r.reasons, lambda x: x.exemption), lambda x: x is not null)"
    ),
    "obligations": "list_transform(r.obligations, lambda x: x.type)",
    "snapshot": "r.snapshot",
    "request_id": "r.call.request_id",
    "traceparent": "r.call.traceparent",
    "trace_id": "nullif(split_part(r.call.traceparent, '-', 2), '')",
    "owner": "r.facts.owner",
    "decision_id": "case r.kind when 'decision' then r.id when 'outcome' then r.decision end",
    "decision_index": "case r.kind when 'outcome' then r.index end",
    "status": "r.status",
    "error": "r.error",
    "text": "coalesce(r.text, r.reason)",
    "act": "r.act",
    "target": "coalesce(r.target, r.name)",
    "holder": "r.by",
}
"""Each column but `seq` and `leaf`, and where `r`, the record, has it; null where it has not."""

_READ = (
    f"select *, {PLAIN} as plain from ("  # noqa: S608 - our own words
    "select seq, leaf, from_json(case when json_valid(text) then text else '{}' end, $shape) as r "
    "from (select seq, leaf, try(decode(leaf)) as text from taken))"
)


def quoted(text: str) -> str:
    """The text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _rows() -> str:
    """The rows of a file, made of a relation `taken` that has number and bytes of records."""
    columns = ["seq", *(f"{each} as {name}" for name, each in COLUMNS.items()), "leaf"]
    read = _READ.replace("$shape", quoted(json.dumps(_SHAPE)))
    return f"select {', '.join(columns)} from ({read})"  # noqa: S608 - our own words


ROWS = _rows()
"""The statement that gives a file's rows, of a relation `taken` that has `seq` and `leaf`."""

_COPY = "copy ({rows} order by seq) to {path} ({form})"


class Unusable(PolicydError):
    """A file that cannot be written or read as Parquet; the message says why."""

    code = "parquet-unusable"


class Taken:
    """Records on their way into a file; a context manager that forgets them at the end.

    They are held in memory up to *memory* bytes, and beyond that in *aside*, an empty folder.
    """

    def __init__(self, aside: Path, memory: int = 256 << 20) -> None:
        self._db = connect(aside, memory)
        with _told():
            self._db.execute("create table taken(seq bigint, leaf blob)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the records."""
        self._db.close()

    def add(self, records: Sequence[tuple[int, bytes]]) -> None:
        """Take some records, by their numbers.

        Raises:
            Unusable: there is no room for them.
        """
        with _told():
            for at in range(0, len(records), _TAKEN):
                numbers, leaves = zip(*records[at : at + _TAKEN], strict=True)
                self._db.execute(
                    "insert into taken select unnest($1::bigint[]), unnest($2::blob[])",
                    [list(numbers), list(leaves)],
                )

    def write(self, path: Path) -> None:
        """Write them to a new Parquet file, which is not on the disk before it is synced.

        Raises:
            Unusable: it cannot be written.
        """
        form = f"format parquet, compression zstd, row_group_size {ROW_GROUP}"
        with _told(path):
            self._db.execute(_COPY.format(rows=ROWS, path=quoted(str(path)), form=form))


class Files:
    """Reads segments; may be used by one thread at a time."""

    def __init__(self, aside: Path, memory: int = 256 << 20) -> None:
        self._db = connect(aside, memory)

    def leaves(self, path: Path, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """The records from *first* to below *end*, in order.

        Raises:
            Unusable: the file cannot be read.
        """
        sql = "select seq, leaf from read_parquet($1) where seq >= $2 and seq < $3 order by seq"
        with _told(path):
            rows = self._db.execute(sql, [str(path), first, end])
            while some := rows.fetchmany(_TAKEN):
                yield from some

    def close(self) -> None:
        """Give up what is held."""
        self._db.close()


def connect(aside: Path, memory: int, threads: int = 1) -> duckdb.DuckDBPyConnection:
    """A database in memory that fetches nothing from anywhere.

    Args:
        aside: A folder for what does not fit into memory.
        memory: Bytes it may use.
        threads: Cores it may use.
    """
    return duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # Files are local, and mostly in memory: handing reads over costs more than they do.
            "async_threads": 0,
            "threads": threads,
            "memory_limit": f"{memory}B",
            "temp_directory": str(aside),
        },
    )


@contextmanager
def _told(path: Path | None = None) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        said = str(error).partition("\n")[0]
        if path:
            said = said.replace(str(path), path.name)
        is_full = "No space left" in str(error) or "out of memory" in said.lower()
        raise Unusable(said, code="disk-full" if is_full else None) from error
