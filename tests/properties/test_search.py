"""What must hold for search, whatever is in the log and whatever is asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded
from tempfile import TemporaryDirectory

import duckdb
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policyd.ledger.parquet import Taken
from policyd.model.errors import QueryRefused
from policyd.search.contents import STATEMENT, Pool, contents_of, may_have
from policyd.search.fields import FIELDS, Field, Kind
from policyd.search.language import parse
from policyd.search.matching import matches
from policyd.search.query import Is, Query, Term
from policyd.search.sql import OUTCOMES, Where, where
from policyd.search.syntax import LONGEST
from tests.properties.logged import LEVELS, START, TEXTS, Drawing
from tests.properties.queried import Asking

QUERIES = 40
SOME = 4
NOW = START + timedelta(days=21, hours=1, minutes=2)


def read(text: str) -> Query:
    """The query, as asked at one moment."""
    return parse(text, now=NOW, levels=LEVELS)


def refusal_of(text: str) -> QueryRefused | None:
    """Why a text is no query."""
    try:
        read(text)
    except QueryRefused as told:
        return told
    return None


@contextmanager
def sealed(leaves: list[bytes]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database that has the records from a Parquet file."""
    with TemporaryDirectory() as folder, duckdb.connect(":memory:") as db:
        path = Path(folder, "records.parquet")
        with Taken(Path(folder, "aside")) as taken:
            if leaves:
                taken.add(list(enumerate(leaves)))
            taken.write(path)
        db.execute("set threads = 1")
        db.read_parquet(str(path)).create("log")
        yield db


def searched(db: duckdb.DuckDBPyConnection, query: Query) -> list[int]:
    """What the database finds."""
    return found_by(db, where(query))


def found_by(db: duckdb.DuckDBPyConnection, made: Where) -> list[int]:
    """What the database finds by a condition."""
    sql = f"with outcomes as ({OUTCOMES}) select seq from log where {made.text} order by seq"  # noqa: S608
    return [seq for (seq,) in db.execute(sql, dict(made.parameters)).fetchall()]


def filtered(leaves: list[bytes], query: Query) -> list[int]:
    """What a look at each record finds."""
    records = [json.loads(leaf) for leaf in leaves]
    outcomes = {each["index"]: each["status"] for each in records if _is_outcome(each)}
    return [
        index
        for index, each in enumerate(records)
        if matches(query, each, index=index, outcome=outcomes.get(index))
    ]


def _is_outcome(record: dict[str, object]) -> bool:
    return record["kind"] == "outcome" and "index" in record


def drawn(seed: int) -> tuple[list[bytes], list[str]]:
    """A log, and queries that have its words."""
    random = Random(seed)  # noqa: S311 - for tests
    vocabulary = random.sample(TEXTS, 5)
    drawing = Drawing(random, vocabulary)
    log = drawing.log(random.choice([60, 60, 60, 1, 0]))
    asking = Asking(random, vocabulary, drawing.ids)
    return log, [asking.query() for _ in range(QUERIES)]


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_the_database_finds_what_a_filter_finds(seed: int) -> None:
    """Of any log, any query finds the same in DuckDB as by looking at every record."""
    leaves, asked = drawn(seed)
    with sealed(leaves) as db:
        for text in asked:
            query = read(text)
            assert searched(db, query) == filtered(leaves, query), query.text


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_what_is_gone_by_has_nothing(seed: int) -> None:
    """Whatever some records hold, they may hold, by what is told of their contents."""
    leaves, asked = drawn(seed)
    with sealed(leaves) as db:
        stretches = [range(at, min(at + SOME, len(leaves))) for at in range(0, len(leaves), SOME)]
        pool: Pool = {}
        told = [contents_of(_told(db, each), pool) for each in stretches]
    for text in asked:
        query = read(text)
        found = {index // SOME for index in filtered(leaves, query)}
        wanted = {at for at, each in enumerate(told) if may_have(each, query.condition)}
        assert found <= wanted, query.text


def _told(db: duckdb.DuckDBPyConnection, records: range) -> tuple[object, ...]:
    stretch = f"(from log where seq between {records.start} and {records.stop - 1})"
    (row,) = db.execute(STATEMENT.format(log=stretch)).fetchall()
    told: tuple[object, ...] = row
    return told


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_the_normal_form_reads_as_the_query(seed: int) -> None:
    """What a query is written as asks for the same, and is written so again."""
    for text in drawn(seed)[1]:
        query = read(text)
        assert read(query.text) == query
        assert read(query.text).text == query.text


_SCRAPS = [
    *("decision", "unit", "label", "time", "rows", "address", "nothing", ":", ">=", "<", "=", "!="),
    *(
        "(",
        ")",
        '"',
        "\\",
        "*",
        "..",
        "-",
        " ",
        "\n",
        "AND",
        "OR",
        "NOT",
        "deny",
        "2026-01-01",
        "5",
    ),
    *("unit:(", "unit:a ", "unit:a", " AND ", " OR ", "(unit:", "rows>=5 ", "a ", "*", '"a" '),
    *("10.0.0.0/8", "-7d", "\0", "\ud800", "é", "'", ";", "--", "$q0", "\u3000", "\x1c"),
]


@given(st.text(max_size=60) | st.lists(st.sampled_from(_SCRAPS), max_size=14).map("".join))
@settings(max_examples=1000)
def test_any_text_is_a_query_or_refused_with_its_place(text: str) -> None:
    """Nothing else comes of reading; a refusal points into the text, or right behind it."""
    told = refusal_of(text)
    if told is None:
        assert read(read(text).text) == read(text)
        return
    assert told.code.startswith("query-")
    assert 1 <= told.column <= len(text) + 1
    assert told.column + told.length <= len(text) + 2
    assert len(told.message) < 400
    assert told.message.isprintable()


@given(
    st.sampled_from(['"', "(", "a", "*", "\\", '\\"', "unit:", "-", "NOT ", "unit:(", '"a" ', ")"])
)
@example('unit:"')
@example("unit:a*")
@example("unit:a OR ")
def test_long_texts_of_one_scrap_are_no_trouble(scrap: str) -> None:
    """However often a scrap is repeated, a query that long is read or refused all the same."""
    for length in (LONGEST, LONGEST + 1):
        with suppress(QueryRefused):
            read((scrap * length)[:length])


@given(st.sampled_from([each for each in FIELDS.values() if each.kind is Kind.TEXT]), st.data())
def test_no_value_gets_into_the_sql(field: Field, data: st.DataObject) -> None:
    """Queries that differ only in their values have the same SQL, whatever the values are."""
    texts = st.text(min_size=1).filter(lambda each: "\0" not in each and each.isprintable())
    made = [where(Query(Term(field.name, Is(data.draw(texts))))) for _ in range(2)]
    assert made[0].text == made[1].text
    assert len(made[0].parameters) == 1
