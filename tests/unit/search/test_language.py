"""The query language: what each form means, and what is said of texts that are no query."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from policyd.model.errors import QueryRefused
from policyd.search.language import parse
from policyd.search.query import Is, Moment, Place, Query, Term, terms
from policyd.search.reference import QUESTIONS, REFUSED

NOW = datetime(2026, 11, 21, 12, 30, 0, 5, tzinfo=UTC)
LEVELS = ("public", "internal", "confidential", "restricted")


def read(text: str) -> Query:
    """The query, asked now."""
    return parse(text, now=NOW, levels=LEVELS)


def refused(text: str) -> QueryRefused:
    """Why a text is no query."""
    with pytest.raises(QueryRefused) as told:
        read(text)
    return told.value


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("", ""),
        (" \n\t ", ""),
        ("unit:sales", "unit:sales"),
        ("unit:sales decision:deny", "unit:sales AND decision:deny"),
        ("unit:sales AND decision:deny", "unit:sales AND decision:deny"),
        ("unit:sales decision:deny unit:hr", "(unit:sales OR unit:hr) AND decision:deny"),
        ("unit:sales unit:hr", "unit:sales OR unit:hr"),
        ("unit:(a b) unit:c", "unit:a OR unit:b OR unit:c"),
        ("unit:a* unit:*b unit:*", "unit:a* OR unit:*b OR unit:*"),
        ("rule:a AND rule:b", "rule:a AND rule:b"),
        ("rule:(a AND b) rule:c", "rule:a AND rule:b AND rule:c"),
        ("-unit:a -unit:b", "-unit:a AND -unit:b"),
        ("-(unit:a unit:b)", "-(unit:a OR unit:b)"),
        ("NOT unit:a", "-unit:a"),
        ("-(-unit:a)", "unit:a"),
        ("((unit:a))", "unit:a"),
        ("(unit:a action:send) decision:deny", "unit:a AND action:send AND decision:deny"),
        ("(unit:a OR action:send) OR decision:deny", "unit:a OR action:send OR decision:deny"),
        ("(unit:a OR action:send) unit:b", "(unit:a OR action:send) AND unit:b"),
        ("rows>=10 rows<20", "rows>=10 AND rows<20"),
        ("rows:5 rows:10..20", "rows:5 OR rows:10..20"),
        ("after:-7d before:today", "time>=-7d AND time<today"),
        ("after:-7d after:-2d", "time>=-7d AND time>=-2d"),
        ("label>=confidential", "label>=confidential"),
        ("label:internal..confidential", "label:internal..confidential"),
        ('"crm/customers"', '"crm/customers"'),
        ("anywhere:crm", '"crm"'),
        ('unit:"a b"', 'unit:"a b"'),
        ('unit:"sales"', "unit:sales"),
        ('unit:"*"', 'unit:"*"'),
        ('unit:"a b"*', 'unit:"a b"*'),
        ('unit:*"a b"', 'unit:*"a b"'),
        (r'unit:"a\"b\\c"', r'unit:"a\"b\\c"'),
        ("unit:a..b", 'unit:"a..b"'),
        ("decision:DENY", "decision:deny"),
        ("endpoint:https://x.example/a", "endpoint:https://x.example/a"),
        ("address:10.1.2.3", "address:10.1.2.3/32"),
        ("address:10.1.2.3/8", "address:10.0.0.0/8"),
        ("outcome:missing", "outcome:missing"),
        ("unit:OR", "unit:OR"),
        ("unit:-7", "unit:-7"),
        ("unit:a(decision:deny)", "unit:a AND decision:deny"),
    ],
)
def test_what_a_text_means(text: str, normal: str) -> None:
    """Each form has the meaning that its normal form writes out, and that reads the same."""
    query = read(text)
    assert query.text == normal
    assert read(normal) == query


DAY, HOUR, MINUTE, SECOND = (
    timedelta(**{each: 1}) for each in ("days", "hours", "minutes", "seconds")
)
INSTANT = timedelta(microseconds=1)
MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "start", "length"),
    [
        ("2026-11-21", MIDNIGHT, DAY),
        ("2026-11", datetime(2026, 11, 1, tzinfo=UTC), 30 * DAY),
        ("2026-12", datetime(2026, 12, 1, tzinfo=UTC), 31 * DAY),
        ("2026-11-21T10:00", MIDNIGHT + 10 * HOUR, MINUTE),
        ("2026-11-21T10:00:07", MIDNIGHT + 10 * HOUR + 7 * SECOND, SECOND),
        ("2026-11-21t10:00:07z", MIDNIGHT + 10 * HOUR + 7 * SECOND, SECOND),
        ("2026-11-21T10:00:07.5", MIDNIGHT + 10 * HOUR + 7.5 * SECOND, SECOND / 10),
        ("2026-11-21T10:00:07.000005", MIDNIGHT + 10 * HOUR + 7 * SECOND + 5 * INSTANT, INSTANT),
        ("2026-11-21T10:00+02:00", MIDNIGHT + 8 * HOUR, MINUTE),
        ("2026-11-21T10:00-00:30", MIDNIGHT + 10.5 * HOUR, MINUTE),
        ('"2026-11-21 10:00"', MIDNIGHT + 10 * HOUR, MINUTE),
        ("today", MIDNIGHT, DAY),
        ("Yesterday", MIDNIGHT - DAY, DAY),
        ("now", NOW, INSTANT),
        ("-7d", NOW - 7 * DAY, INSTANT),
        ("-2h", NOW - 2 * HOUR, INSTANT),
        ("-90s", NOW - 90 * SECOND, INSTANT),
        ("-30m", NOW - 30 * MINUTE, INSTANT),
        ("-4w", NOW - 28 * DAY, INSTANT),
    ],
)
def test_a_time_is_a_stretch(said: str, start: datetime, length: timedelta) -> None:
    """A day is all of it, a minute too; so long ago is one instant."""
    (term,) = terms(read(f"time:{said}").condition)
    assert isinstance(term.test, Is)
    assert isinstance(term.test.value, Moment)
    assert (term.test.value.start, term.test.value.end) == (start, start + length)


@pytest.mark.parametrize(
    "said",
    [
        *(
            "2026-02-30",
            "2026-13-01",
            "2026-1-1",
            "2026",
            "26-01-01",
            "2026-01-01T25:00",
            "7d",
            "-7y",
        ),
        *("2026-01-01T10", "2026-01T10:00", "2026-01-01T10:00+25:00", "tomorrow", "0000-01-01"),
        *("2026-01-01T10:00:00.1234567", "-999999w", "-999999999999d", "1700000000", '""'),
        *("9999-12-31", "0001-01-01T00:00+01:00", "2026-01-01T10:00+01:75", "٢٠٢٦-01-01"),
    ],
)
def test_other_times_are_refused(said: str) -> None:
    """Days that there are not, and times in other forms, are no times."""
    assert refused(f"after:{said}").code == "query-bad-value"


@pytest.mark.parametrize(
    "said",
    [
        *("10.0.0.0/33", "10.0.0", "10.0.0.0/-1", "fd00::/129", "host.example", "1.2.3.4:80"),
        *("fe80::1%eth0", "010.0.0.1", "10.0.0.0/255.0.0.0", "[::1]", "10.*"),
    ],
)
def test_other_addresses_are_refused(said: str) -> None:
    """What is no address and no network is refused, and so are stars."""
    assert refused(f"address:{said}").code in ("query-bad-value", "query-bad-wildcard")


@pytest.mark.parametrize(
    "said", ["-1", "1.5", "1e3", "1,000", "9007199254740992", "٣", "0x1", "9" * 99]
)
def test_other_numbers_are_refused(said: str) -> None:
    """Numbers are whole, not negative, and no larger than a record may have."""
    assert refused(f"rows>={said}").code == "query-bad-value"


@pytest.mark.parametrize(("code", "text"), REFUSED, ids=range(len(REFUSED)))
def test_each_refusal_has_its_code(code: str, text: str) -> None:
    """Every way a text can be no query has a stable code."""
    assert refused(text).code == code


@pytest.mark.parametrize(
    ("text", "code", "column", "length", "said"),
    [
        ("unit:a decison:deny", "query-unknown-field", 8, 8, "did you mean `decision`?"),
        ("on_behalf_of:x", "query-unknown-field", 1, 13, "did you mean `on-behalf-of`?"),
        ("actor:x", "query-unknown-field", 1, 6, "did you mean `subject`?"),
        ("https://x", "query-unknown-field", 1, 6, "`policyd audit fields`"),
        ("q" * 99 + ":x", "query-unknown-field", 1, 100, "there is no field"),
        ("label>=secrit", "query-bad-value", 8, 6, "there are `public`"),
        ("label>=restrictd", "query-bad-value", 8, 9, "did you mean `restricted`?"),
        ("kind:xyz", "query-bad-value", 6, 3, "it is `decision`, `admin`"),
        ("unit:a sales", "query-no-field", 8, 5, "names no field"),
        ("unit:a - unit:b", "query-bad-syntax", 8, 1, "right before"),
        ("unit:a NOT", "query-bad-syntax", 8, 3, "does not stand between"),
        ("unit:a)", "query-unbalanced", 7, 1, "no bracket is open"),
        ("(unit:a (unit:b)", "query-unbalanced", 1, 1, "not closed"),
        ("unit:(a b", "query-unbalanced", 6, 1, "not closed"),
        ('unit:a "b', "query-unbalanced", 8, 2, "not closed"),
        ('unit:a"b"', "query-bad-syntax", 7, 1, "leave a space"),
        ("()", "query-bad-syntax", 2, 1, "missing before"),
        ("unit:(a (b))", "query-bad-syntax", 9, 1, "cannot stand here"),
        ("unit:", "query-bad-syntax", 6, 1, "more has to follow"),
        ("unit: (a)", "query-no-value", 1, 5, "has no value"),
        ('unit:""', "query-bad-value", 6, 2, "empty text"),
        ('""', "query-bad-value", 1, 2, "no text in these quotes"),
        (r'"a\b"', "query-bad-value", 1, 5, "backslash"),
        ("rows:5..", "query-bad-value", 6, 3, "`rows>=5`"),
        ("rows:..5", "query-bad-value", 6, 3, "`rows<=5`"),
        ("rows:9..5", "query-bad-value", 6, 4, "ends before it begins"),
        ("label:restricted..public", "query-bad-value", 7, 18, "ends before it begins"),
        ("time:today..yesterday", "query-bad-value", 6, 16, "ends before it begins"),
        ("unit:*a*", "query-bad-wildcard", 6, 3, "one end"),
        ("unit:**", "query-bad-wildcard", 6, 2, "one end"),
        ('"a"*', "query-bad-wildcard", 1, 4, "leave out the star"),
        ("anywhere:*", "query-bad-wildcard", 10, 1, "leave out the star"),
        ("rows:1*", "query-bad-wildcard", 6, 2, "only by itself"),
        ("address:10.*", "query-bad-wildcard", 9, 4, "`10.20.0.0/16`"),
        ("unit=a", "query-bad-operator", 1, 5, "`unit:`"),
        ("after>=today", "query-bad-operator", 1, 7, "`time>=`"),
        ("rows>=(1 2)", "query-bad-operator", 1, 6, "`rows:(a OR b)`"),
        ("unit:a unit:b AND action:x", "query-ambiguous", 8, 5, "asked for twice"),
        ("unit:a AND unit:(b c) x:y", "query-unknown-field", 23, 2, "no field"),
        ("unit:a AND action:x unit:(b c)", "query-ambiguous", 21, 5, "asked for twice"),
        ("unit:a AND unit:b OR unit:c", "query-ambiguous", 19, 2, "in brackets"),
        ("unit:(a AND b c)", "query-ambiguous", 9, 3, "in brackets"),
        ("unit:\ud800", "query-bad-character", 6, 1, "D800"),
        ("\x1b[31m:x", "query-unknown-field", 1, 6, "`�[31m`"),
    ],
)
def test_a_refusal_has_its_place(text: str, code: str, column: int, length: int, said: str) -> None:
    """It says at which column, over how many characters, and what to do."""
    told = refused(text)
    assert (told.code, told.column, told.length) == (code, column, length)
    assert said in told.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("decison:deny", ("`decision:`",)),
        ("decision:denied", ("`deny`", "`allow`")),
        ("unit:a AND", ("`field:value`", "a quoted text", "`(`", "`-`", "`NOT`")),
        ("unit:(a", ("a quoted text", "`)`", "`AND` or `OR`", "a value")),
    ],
)
def test_a_refusal_says_what_was_expected(text: str, expected: tuple[str, ...]) -> None:
    """What could stand there is named as it is written."""
    assert refused(text).expected == expected


@pytest.mark.parametrize(("_asked", "text"), QUESTIONS, ids=range(len(QUESTIONS)))
def test_the_questions_are_queries(_asked: str, text: str) -> None:
    """What the reference shows can be asked."""
    assert read(text).condition


def test_fields_have_their_place() -> None:
    """A query knows where each field stands first, for who may not ask for it."""
    query = read('unit:a (rule:GR-7 OR unit:b) "x" after:today')
    assert query.places == {
        "unit": Place(1, 5),
        "rule": Place(9, 5),
        "anywhere": Place(30, 3),
        "time": Place(34, 6),
    }


def test_bounds_are_bounds() -> None:
    """The longest, deepest and fullest query is read; one more of any is not."""
    assert read("unit:a ".ljust(4096)) == read("unit:a")
    assert read("(" * 32 + "unit:a" + ")" * 32) == Query(Term("unit", Is("a")))
    assert len(list(terms(read("unit:a " * 200).condition))) == 200
    assert len(list(terms(read('"a" ' * 200).condition))) == 200
    assert refused('"a" ' * 201).code == "query-too-many"
    assert refused(f"unit:({'a ' * 201})").code == "query-too-many"


def test_levels_are_those_of_the_company() -> None:
    """What a level is compared with are the levels that are handed in."""
    query = parse("label>=secret", now=NOW, levels=("open", "secret"))
    assert query.text == "label>=secret"
    with pytest.raises(QueryRefused, match="no level"):
        parse("label>=secret", now=NOW, levels=())


def test_threads_read_side_by_side() -> None:
    """One parser serves every thread: each gets the query it asked for."""
    texts = [f"unit:u{n} (action:send OR rows>={n})" for n in range(200)]
    with ThreadPoolExecutor(8) as threads:
        assert [each.text for each in threads.map(read, texts)] == [
            f"unit:u{n} AND (action:send OR rows>={n})" for n in range(200)
        ]
