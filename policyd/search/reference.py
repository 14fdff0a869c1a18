"""The reference of the query language, written from the code by `./run docs`."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from policyd.model.errors import QueryRefused
from policyd.search.fields import FIELDS, ORDERED, STARRED, Field, Kind
from policyd.search.language import MOST_TERMS, parse
from policyd.search.syntax import DEEPEST, LONGEST

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
LEVELS = ("public", "internal", "confidential", "restricted")
"""The moment and the levels by which the examples of this page are read."""

QUESTIONS = (
    (
        "What did sales want to send this week, and was not let?",
        "decision:deny unit:sales after:-7d",
    ),
    (
        "Which confidential data left, or more than that?",
        "decision:allow action:send label>=confidential",
    ),
    (
        "Where did personal data go, other than to our own hosts?",
        "category:personal action:send -host:*.acme.example",
    ),
    (
        "Who touched the customers' data, as a source of a write, too?",
        "dataset:(crm/customers OR erp/customers)",
    ),
    ("What ran only because a roll-out or a mode let it?", "would:deny OR mode:*"),
    ("What was let, and nobody said what came of it?", "outcome:missing before:-1d"),
    (
        "What ran although it was denied, or was never asked?",
        "outcome:ran-despite-deny OR status:ran-unasked",
    ),
    ("What moved in bulk in the second quarter?", "rows>=100000 time:2026-04..2026-06"),
    ("Who read the log from outside the office network?", "kind:query -address:10.20.0.0/16"),
    ("Everything that has to do with one name.", '"crm/customers" -kind:query'),
)
"""What an auditor may want to know, and the query for it."""

REFUSED = (
    ("query-unknown-field", "decison:deny"),
    ("query-no-field", "deny unit:sales"),
    ("query-no-value", "unit: sales"),
    ("query-bad-value", "decision:denied"),
    ("query-bad-value", "after:2026-02-30"),
    ("query-bad-value", "label>=secret"),
    ("query-bad-wildcard", "dataset:crm/*/eu"),
    ("query-bad-operator", "decision!=allow"),
    ("query-bad-operator", "unit>=sales"),
    ("query-ambiguous", "unit:hr action:send OR action:write"),
    ("query-bad-syntax", "unit:sales or unit:hr"),
    ("query-bad-syntax", "unit:sales AND"),
    ("query-unbalanced", "(unit:sales OR unit:hr"),
    ("query-unbalanced", '"crm/customers'),
    ("query-bad-character", "unit:\0"),
    ("query-too-deep", "(" * (DEEPEST + 1) + "unit:hr" + ")" * (DEEPEST + 1)),
    ("query-too-many", "unit:hr " * (MOST_TERMS + 1)),
    ("query-too-long", "x" * (LONGEST + 1)),
)
"""The code of each refusal, and a query that gets it."""

_OPENING = f"""# Searching the audit log

<!-- Written from the code by `./run docs`; change it in policyd/search/. -->

A query says what records have to be, one part beside the other:

```
decision:deny unit:sales -destination:*.example label>=confidential after:2026-01-01 "crm/customers"
```

It is asked with `policyd audit search 'QUERY'`, or as `q` of `GET /v1/audit/records`; the same
language narrows facets, histogram, flows and the live log. What was asked, and by whom, is a
record itself. A query that cannot be read is refused (422) with a code, the column where that
shows, and what could stand there. `policyd audit fields` has the fields at hand.

## How parts are put together

| write | for |
| --- | --- |
| `unit:sales` | records whose field is that, upper and lower case as written |
| `unit:sales action:send` | both; `AND` between them says the same |
| `unit:sales unit:hr action:send` | values of one field side by side: sales or hr |
| `unit:(sales OR hr)`, `unit:(sales hr)` | one of several |
| `rule:(GR-7 AND GR-9)` | each of several, of a field that has more than one value in a record |
| `(action:send OR label:restricted) unit:hr` | either; brackets say what belongs to an `OR` |
| `-unit:sales`, `NOT unit:sales`, `-(…)` | all others, also those that have no unit |
| `unit:*`, `-unit:*` | those that have any unit, those that have none |
| `dataset:crm/*`, `host:*.example` | a beginning, an end; a star stands nowhere else |
| `rows>=1000`, `rows<10`, `rows:10..20` | comparisons and ranges, both ends included |
| `rows>=10 rows<20` | comparisons side by side all hold |
| `"crm/customers"` | the text anywhere: see `anywhere` |
| `purpose:"year end"`, `unit:"a*b"` | a value with spaces or a star; in it, `\\"` and `\\\\` |

`AND`, `OR` and `NOT` are upper case. `a b OR c` is refused, since half of its readers would take it
for something else: write `a (b OR c)` or `(a b) OR c`. An empty query finds everything.

Up to {LONGEST:,} characters, {MOST_TERMS} values, brackets {DEEPEST} deep.

## Forms of values
"""

_FORMS = {
    Kind.TEXT: "a word, or a text in quotes; it may begin or end with a star",
    Kind.WORD: "one of the words named, which are all there are",
    Kind.LEVEL: "a level or a category; levels compare by the company's order, lowest first",
    Kind.NUMBER: "a whole number, without commas",
    Kind.TIME: "a day `2026-01-31`, a month `2026-01`, a time `2026-01-31T10:00` or"
    " `2026-01-31T10:00:00+01:00` (in UTC where no offset is given), `today`, `yesterday`, `now`,"
    " or so long ago: `-90s`, `-30m`, `-2h`, `-7d`, `-4w`",
    Kind.ADDRESS: "an address `10.1.2.3`, or a network `10.20.0.0/16`, `fd00::/8`",
    Kind.OUTCOME: "one of the words named",
    Kind.ANYWHERE: "a text in quotes, without a field",
}

_FIELDS = """
What is personal and was [kept apart](adr/0021-what-is-personal-is-kept-apart.md) of the records is
not found: a server that hides `address` finds nothing by it.

## Fields

Who may search may ask for every field, unless a role is named: then the key needs one of them, or
the query is refused as `query-field-forbidden`.
"""

_SINCE = """
`after:X` is `time>=X`, from the beginning of X on; `before:X` is `time<X`, up to its beginning.

## By example
"""

_REFUSALS = """
## Refusals

| code | such as | column | what is said |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole reference, as Markdown."""
    forms = (
        [kind.value, _FORMS[kind], _operators(kind)] for kind in Kind if kind is not Kind.ANYWHERE
    )
    fields = map(_field, FIELDS.values())
    questions = ([asked, f"`{_cell(text)}`"] for asked, text in QUESTIONS)
    return "".join(
        [
            _OPENING,
            "\n",
            _table(["form", "values", "besides `:`"], forms),
            _FIELDS,
            "\n",
            _table(["field", "form", "asks for", "example", "needs"], fields),
            _SINCE,
            "\n",
            _table(["to know", "ask"], questions),
            _REFUSALS,
            *(_refusal(code, text) for code, text in REFUSED),
        ]
    )


def _operators(kind: Kind) -> str:
    marks = ["`>=` `>` `<=` `<` `a..b`"] if kind in ORDERED else []
    marks += ["`a*` `*a`"] if kind in STARRED else []
    return " ".join([*marks, "`*`"])


def _field(field: Field) -> list[str]:
    form = field.kind.value
    if field.words:
        form = ", ".join(f"`{each}`" for each in field.words)
    needs = " or ".join(field.roles)
    return [f"`{field.name}`", form, field.about, f"`{field.example}`", needs]


def _refusal(code: str, text: str) -> str:
    told = refusal(text)
    such = text.replace("\0", "␀")
    if len(such) > 50:  # noqa: PLR2004 - what a cell has room for
        such = f"{such[:40]}…"
    return f"| `{code}` | `{_cell(such)}` | {told.column} | {_cell(told.message)} |\n"


def refusal(text: str) -> QueryRefused:
    """Why this text is no query."""
    try:
        parse(text, now=NOW, levels=LEVELS)
    except QueryRefused as told:
        return told
    raise ValueError(text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
