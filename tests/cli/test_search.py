"""`policyd audit search`, `facets`, `histogram`, `flows`, `pairing`: the log, asked and shown."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.calls import ALLOWED
from tests.cli.program import KEY, Ended, Program, Stub
from tests.servers import JSON, Home, Server, bearer

WHO = "sales/customers-to-crm"
COUNTED: dict[str, Any] = {
    "tree_size": 12,
    "checkpoint": "log.example\n12\nROOT=\n\n— log.example x\n",
    "now": "2026-11-21T10:00:00.000000Z",
    "searched": {"first": 0, "end": 12},
}
RECORD: dict[str, Any] = {
    "index": 7,
    "leaf_hash": "00",
    "record": {"kind": "decision", "decision": "allow", "ts": "2026-11-21T10:00:00.000000Z"},
}


@dataclass(frozen=True, slots=True)
class Office:
    """The program as an auditor uses it, on a server with two allows, a deny and an outcome."""

    program: Program
    server: Server
    auditor: str
    done: str

    def __call__(self, *arguments: str, key: str = "", columns: int | None = None) -> Ended:
        """One command of `policyd audit`."""
        env = {"COLUMNS": str(columns)} if columns else {}
        env |= {"POLICYD_URL": f"http://127.0.0.1:{self.server.port}"}
        return self.program("audit", *arguments, POLICYD_KEY=key or self.auditor, **env)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server with some records."""
    folder = tmp_path_factory.mktemp("office")
    with Server(Home.make(folder / "data")) as server:
        pep = server.pep("sales")
        done = server.check(ALLOWED, pep).headers["x-decision-id"]
        server.check(ALLOWED, pep)
        server.check(ALLOWED | {"context": {"endpoint": "https://evil.example/x"}}, pep)
        said = json.dumps({"decision_id": done, "status": "ok", "rows": 5}).encode()
        assert server.send("POST", "/v1/outcomes", said, JSON | bearer(pep)).status == 201
        yield Office(Program(folder), server, server.make_key("auditor")["key"], done)


def cells(text: str) -> list[list[str]]:
    """The rows of a CSV."""
    return list(csv.reader(io.StringIO(text)))


def test_records_are_found_and_gone_on_with(office: Office) -> None:
    """A page in rows, the newest first, as of which log, and the command for the next page."""
    first = office("search", "decision:allow", WHO.join(['"', '"']), "--limit", "1")
    assert first.code == 0
    head, row = first.out.splitlines()
    assert head.split() == ["INDEX", "TIME", "WHAT", "WHO", "ACTION", "DATA", "TO", "LABEL", "WHY"]
    assert f"allow  {WHO}  send    erp/customers  crm  internal" in row
    assert ", root " in first.err
    (more,) = (line for line in first.err.splitlines() if line.startswith("more: "))
    assert more.startswith("more: policyd audit search --limit 1 --url http://127.0.0.1:")
    assert more.endswith(f" -- 'decision:allow \"{WHO}\"'")
    cursor = more.split()[9]
    second = office("search", "--limit", "1", "--cursor", cursor, "--", f'decision:allow "{WHO}"')
    assert second.code == 0
    assert second.out != first.out
    assert "more: " not in second.err


@pytest.mark.parametrize("columns", [40, 100])
@pytest.mark.parametrize(
    "command",
    [
        ["search"],
        ["facets"],
        ["histogram", "--by", "decision"],
        ["flows"],
        ["flows", "--dataset", "erp/customers"],
        ["pairing"],
        ["show", "0"],
    ],
    ids=" ".join,
)
def test_everything_fits(office: Office, command: list[str], columns: int) -> None:
    """On any terminal from 40 columns on, no line is longer, and no name is cut off."""
    shown = office(*command, columns=columns)
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines())) <= columns
    if command[0] in ("search", "pairing"):
        assert WHO in shown.out
    if command[0] == "flows":
        assert "evil.example" in shown.out


def test_names_are_whole_in_columns(office: Office) -> None:
    """Where a table has room for its words, every column is there."""
    shown = office("flows", "--dataset", "erp/customers", columns=130)
    assert shown.out.splitlines()[0].split()[-1] == "EXAMPLE"


def test_answers_for_programs(office: Office) -> None:
    """`--json` is the server's answer, `--csv` a table with the names of an export's columns."""
    found = office("search", "decision:deny", "--json").json()
    assert [each["record"]["decision"] for each in found["records"]] == ["deny"]
    head, row = cells(office("search", "decision:deny", "--csv").out)
    assert (head[0], dict(zip(head, row, strict=True))["decision"]) == ("seq", "deny")
    counted = office("facets", "--csv", "--fields", "decision").out
    assert ["decision", "allow", "2"] in cells(counted)
    assert cells(office("histogram", "--csv", "--by", "decision", "kind:decision").out)[0] == [
        *("start", "value", "records"),
    ]
    flows = cells(office("flows", "--csv").out)
    assert flows[1][:6] == ["0", "system", "erp", "destination", "crm", "internal"]
    assert cells(office("pairing", "--csv").out)[1][:6] == [WHO, "2", "1", "1", "0", "1"]
    both = office("search", "--json", "--csv")
    assert (both.code, "choose one" in both.err) == (2, True)


def test_values_are_counted(office: Office) -> None:
    """Facets name each value with its count and a bar of one scale, and those without any."""
    shown = office("facets", "--fields", "decision,reason", "kind:decision")
    assert shown.out.startswith("3 records\n\ndecision\n  allow  2  ")
    bars = {line.split()[0]: line.count("█") for line in shown.out.splitlines() if "█" in line}
    assert bars["allow"] == 2 * bars["deny"] == bars["(none)"]


def test_a_histogram_has_a_sign_for_each_value(office: Office) -> None:
    """What the colours of a picture would say, signs say, with a legend."""
    shown = office("histogram", "--by", "decision", "kind:decision")
    assert shown.out.startswith("decision: █ allow  ▓ deny\n")
    assert "█" in shown.out.splitlines()[2]
    assert "▓" in shown.out.splitlines()[-1]


def test_what_became_of_decisions(office: Office) -> None:
    """Paired with what was reported; one of two allowed calls has none."""
    shown = office("pairing")
    assert shown.out.splitlines()[1].split()[:7] == [WHO, "2", "1", "1", "0", "1", "0"]


@pytest.mark.parametrize(
    ("query", "place", "said"),
    [
        ("decison:deny unit:sales", "  ^^^^^^^^", "did you mean `decision`?"),
        ("unit:sales decision:denied", "                      ^^^^^^", "`deny`"),
        ("unit:sales AND", "                ^", "more has to follow"),
        ("unit:日本 x:1", "            ^^", "no field `x`"),
        ("unit:\x1b[31m x:1", "             ^^", "no field `x`"),
    ],
)
def test_a_wrong_query_is_pointed_at(office: Office, query: str, place: str, said: str) -> None:
    """The error has a caret under what is wrong, the code, and the way out."""
    told = office("search", query)
    assert (told.code, told.out) == (2, "")
    assert place in told.err.splitlines()
    assert said in told.err
    assert "[query-" in told.err


def test_a_long_query_is_shown_around_the_place(office: Office) -> None:
    """Of a query longer than the terminal, the part around the place is shown."""
    told = office("search", "unit:sales " * 20 + "decison:deny" + " unit:hr" * 20, columns=40)
    line, carets = told.err.splitlines()[:2]
    assert len(line) <= 40
    assert (line[2], line[-1]) == ("…", "…")
    start = carets.index("^")
    assert line[start : start + carets.count("^")] == "decison:"


def test_a_builder_may_not_ask_for_everything(office: Office) -> None:
    """A field that needs another role is refused, at its place."""
    builder = office.server.make_key("builder", units=["sales"])["key"]
    told = office("search", "unit:sales key:k1", key=builder)
    assert (told.code, "             ^^^^" in told.err) == (2, True)
    assert "auditor or admin" in told.err
    assert office("search", "unit:sales", key=builder).code == 0


def test_an_outcome_is_shown(office: Office) -> None:
    """With `--outcome`, a record is shown with what came of it; a builder learns that it was."""
    shown = office("show", office.done, "--outcome")
    assert "outcome    ok, 5 rows: record " in shown.out
    number = shown.out.split()[1]
    assert office("show", number, "--json", "--outcome").json()["outcome"]["reported"] is True
    other = office("search", "decision:allow outcome:missing", "--json").json()["records"][0]
    assert "none is reported" in office("show", other["record"]["id"], "--outcome").out
    assert "none is reported" in office("show", "0", "--outcome").out
    builder = office.server.make_key("builder", units=["sales"])["key"]
    assert "its record is for auditors" in office("show", office.done, "--outcome", key=builder).out
    assert "record 99999" in office("show", "99999").err


def test_what_was_left_out_is_said(policyd: Program, stub: Stub) -> None:
    """A cut answer, lost records and further values are told, and end with 1."""
    cut = {"cut": "time", "lost": [{"first": 0, "end": 4}], "searched": {"first": 8, "end": 12}}
    flows = {"flows": [], "truncated": True}
    stub.gives(200, COUNTED | cut | flows)
    shown = policyd("audit", "flows", "--size", "5", "--url", stub.url, POLICYD_KEY=KEY)
    assert shown.code == 1
    assert "as of 12 records, root ROOT=" in shown.err
    assert "lost: records 0 to 3 cannot be read" in shown.err
    assert "partial: the answer is only of records 8 to 11; there was no time for more" in shown.err
    assert "more than these 5" in shown.err

    facet = {"field": "unit", "counts": [], "other_values": 3, "without": 1, "truncated": True}
    facet |= {"cut": "memory", "searched": {"first": 8, "end": 12}}
    stub.gives(200, COUNTED | {"records": 4, "facets": [facet]})
    shown = policyd("audit", "facets", "--url", stub.url, POLICYD_KEY=KEY)
    assert shown.code == 1
    assert "and 3 other values" in shown.out
    assert "only of records 8 to 11: out of memory" in shown.out
    assert "partial: `unit` is only of records 8 to 11" in shown.err


def test_records_of_any_kind_have_a_row(policyd: Program, stub: Stub) -> None:
    """Where a record lacks what decisions have, its row says what there is."""
    ts = "2026-11-21T10:00:00.000000Z"
    would = RECORD["record"] | {"would": "deny", "reasons": [{"code": "=cmd"}], "id": "=1"}
    others = [
        would,
        {"kind": "admin", "act": "key-created", "target": "k2", "by": "ida", "ts": ts},
        {"kind": "outcome", "status": "failed", "error": "timeout", "index": 3, "ts": ts},
        {"kind": "query", "text": "\x1b[2Jx", "caller": {"key": "k1"}, "ts": ts},
    ]
    entries = [{"index": 7 + n, "leaf_hash": "00", "record": each} for n, each in enumerate(others)]
    stub.gives(200, {"tree_size": 12, "records": entries})
    shown = policyd("audit", "search", "--url", stub.url, POLICYD_KEY=KEY).out.splitlines()
    assert "allow, would deny" in shown[1]
    assert shown[2].split()[3:] == ["admin", "ida", "key-created", "k2"]
    assert shown[3].split()[3:] == ["failed", "timeout", "of", "record", "3"]
    assert shown[4].split()[3:] == ["query", "k1", "�[2Jx"]
    rows = cells(policyd("audit", "search", "--csv", "--url", stub.url, POLICYD_KEY=KEY).out)
    assert dict(zip(rows[0], rows[1], strict=True))["reasons"] == "'=cmd"
    assert dict(zip(rows[0], rows[1], strict=True))["id"] == "'=1"


def test_rare_values_share_a_sign(policyd: Program, stub: Stub) -> None:
    """A histogram of more values than there are signs puts the rare ones together."""
    counts = [{"value": name, "records": 9 - n} for n, name in enumerate("abcde")]
    bucket = {"start": "2026-11-21T00:00:00.000000Z", "records": 40, "counts": counts}
    stub.gives(200, COUNTED | {"seconds": 86400, "buckets": [bucket]})
    shown = policyd("audit", "histogram", "--by", "unit", "--url", stub.url, POLICYD_KEY=KEY).out
    assert shown.startswith("unit: █ a  ▓ b  ▒ c  ░ others\neach line is 1 day;")
    assert "\n2026-11-21  40  █" in shown
    rows = cells(policyd("audit", "histogram", "--csv", "--url", stub.url, POLICYD_KEY=KEY).out)
    assert rows[-1] == ["2026-11-21T00:00:00.000000Z", "others", "5"]
    plain = policyd(
        *("audit", "histogram", "--by", "unit", "--url", stub.url),
        POLICYD_KEY=KEY,
        PYTHONIOENCODING="ascii",
    )
    assert plain.out.startswith("unit: # a  = b  - c  . others")


@pytest.mark.parametrize(
    ("body", "missing"),
    [({"tree_size": 1}, "records"), ({"records": [], "tree": 1}, "tree_size")],
)
def test_an_answer_without_its_parts_is_none(
    policyd: Program, stub: Stub, body: dict[str, object], missing: str
) -> None:
    """What does not answer like a search is not shown as one."""
    stub.gives(200, body)
    told = policyd("audit", "search", "--url", stub.url, POLICYD_KEY=KEY)
    assert (told.code, f"`{missing}`" in told.err) == (3, True)


def test_nothing_found_is_said(office: Office) -> None:
    """An empty answer is no error, and no silence either."""
    for command, said in (
        (["search", "unit:nobody"], "no records"),
        (["histogram", "unit:nobody"], "no records"),
        (["flows", "unit:nobody"], "no flows"),
        (["pairing", "unit:nobody"], "no decisions"),
    ):
        told = office(*command)
        assert (told.code, said in told.err) == (0, True)


def test_a_query_may_begin_with_a_minus(office: Office) -> None:
    """Behind `--` it is a query and no option."""
    others = "-kind:(query admin epoch policy_change refusals)"
    found = office("search", "--json", "--", others).json()
    assert {each["record"]["kind"] for each in found["records"]} == {"decision", "outcome"}


def test_help_names_the_language(policyd: Program) -> None:
    """The help of each says where the language is described."""
    for name in ("search", "facets", "histogram", "flows", "pairing"):
        assert "policyd audit fields" in policyd("audit", name, "--help").out


def test_fields_are_listed(policyd: Program) -> None:
    """Without a server: every field, or one with its values and who may ask for it."""
    listed = policyd("audit", "fields", COLUMNS="40")
    assert (listed.code, max(map(len, listed.out.splitlines())) <= 40) == (0, True)
    every = policyd("audit", "fields", "--json").json()["fields"]
    assert [each["name"] for each in every if each["form"] == "outcome"] == ["outcome"]
    one = policyd("audit", "fields", "outcome").out
    assert "missing done failed ran-despite-deny" in one
    assert policyd("audit", "fields", "key", "--json").json()["roles"] == ["auditor", "admin"]
    wrong = policyd("audit", "fields", "ip")
    assert (wrong.code, "did you mean `address`?" in wrong.err) == (2, True)
    assert "`policyd audit fields` has all" in policyd("audit", "fields", "zzzz").err
