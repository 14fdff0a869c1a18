"""Saved queries: each answers its question on a small log, with DuckDB and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from policyd.ledger import parquet
from policyd.model.errors import UsageError
from policyd.search.saved import SavedQuery, given, saved_queries, saved_query
from policyd.search.saved_database import answer
from tests.sample_log import SAMPLE, SNAPSHOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

QUERIES = saved_queries()
HALF = len(SAMPLE) // 2

# What each finds in the sample log: some of its columns, row by row.
KNOWN: Mapping[str, tuple[str, list[tuple[Any, ...]]]] = {
    "acts-of-administration": (
        "kind act target by_key reason seq",
        [
            ("epoch", None, "policyd.example/log", None, None, 0),
            ("admin", "key-created", "kaudit", "init", None, 1),
            ("policy_change", None, SNAPSHOT, None, "start", 2),
            ("hold", "placed", "case-17", "kaudit", "order of the court", 26),
        ],
    ),
    "allows-never-used": (
        "subject dataset allowed failed",
        [
            ("finance/ledger-copy", "erp/ledger", 1, 0),
            ("hr/hris-trial", "hris/employees", 1, 0),
            ("hr/pay-run", "payroll/payslips", 1, 0),
            ("plants/lab-report", "lims/results", 1, 0),
            ("sales/campaign-mailer", "crm/contacts", 1, 0),
            ("webshop/orders-to-erp", "erp/sales-orders", 1, 0),
        ],
    ),
    "busiest-integrations": (
        "subject calls denied datasets destinations rows",
        [
            ("sales/customers-to-crm", 4, 0, 1, 1, 400),
            ("sales/campaign-mailer", 2, 1, 1, 1, 500),
            ("finance/ledger-copy", 1, 0, 1, 1, 70),
            ("finance/rates-to-erp", 1, 1, 1, 1, None),
            ("hr/hris-trial", 1, 0, 1, 1, 9_000),
            ("hr/pay-run", 1, 0, 1, 1, 40),
            ("plants/lab-report", 1, 0, 1, 1, 3),
            ("plants/old-report", 1, 1, 1, 1, None),
            ("sales/pandas-script", 1, 1, 1, 0, None),
            ("webshop/orders-to-erp", 1, 0, 1, 1, 12),
        ],
    ),
    "callers-without-owner": (
        "subject owner allowed denied datasets",
        [
            ("finance/ledger-copy", "grace", 1, 0, ["erp/ledger"]),
            ("plants/old-report", "quarantined", 0, 1, ["lims/results"]),
        ],
    ),
    "decisions-without-outcome": (
        "subject allowed without_outcome owed first_missing",
        [
            ("finance/ledger-copy", 1, 1, 0, 22),
            ("hr/hris-trial", 1, 1, 0, 19),
            ("hr/pay-run", 1, 1, 1, 11),
            ("plants/lab-report", 1, 1, 0, 20),
            ("sales/campaign-mailer", 1, 1, 0, 12),
            ("webshop/orders-to-erp", 1, 1, 0, 18),
        ],
    ),
    "denials-by-unit-and-reason": (
        "unit reason denials callers",
        [
            ("(none)", "destination-not-allowlisted", 1, 1),
            ("(none)", "integration-unregistered", 1, 1),
            ("finance", "change-freeze", 1, 1),
            ("plants", "owner-inactive", 1, 1),
            ("sales", "destination-not-allowlisted", 1, 1),
        ],
    ),
    "exemptions-and-modes-in-use": (
        "how by_what rules calls",
        [
            ("exemption", "EX-2026-009", ["guardrail:records-rest-in-a-freeze"], 1),
            ("mode", "observe", ["guardrail:records-read-per-day"], 1),
            ("roll-out", "plants", [], 1),
        ],
    ),
    "flows-leaving-the-core": (
        "dataset destination zone level duties calls rows",
        [("crm/contacts", "newsletter", "processor", "confidential", ["mask"], 1, 500)],
    ),
    "new-flows": (
        "subject destination first_record",
        [
            ("hr/pay-run", "bank", 11),
            ("sales/campaign-mailer", "newsletter", 12),
            ("webshop/orders-to-erp", "erp", 18),
            ("hr/hris-trial", "airflow", 19),
            ("plants/lab-report", "crm", 20),
            ("finance/ledger-copy", "rpa", 22),
        ],
    ),
    "ran-despite-deny": (
        "status subject dataset destination reasons rows seq",
        [
            (
                "ran-despite-deny",
                "sales/campaign-mailer",
                "crm/contacts",
                "https://paste.sh/v1",
                ["destination-not-allowlisted"],
                500,
                14,
            ),
            ("ran-unasked", "hr/pay-run", "payroll/payslips", None, None, 1, 25),
        ],
    ),
    "shadow-integrations": (
        "subject unregistered unlisted_place calls",
        [
            ("sales/campaign-mailer", False, "paste.sh", 1),
            ("sales/pandas-script", True, "paste.sh", 1),
        ],
    ),
    "who-read-the-log": (
        "key kind what times records",
        [
            ("kaudit", "export", "parquet", 1, 20),
            ("kaudit", "query", "decision:deny unit:sales", 1, 2),
            ("kbuild", "query", "id:whatever", 1, 0),
        ],
    ),
    "writes-in-a-freeze": (
        "decision subject dataset leave rows seq",
        [
            ("deny", "finance/rates-to-erp", "erp/exchange-rates", None, None, 17),
            ("allow", "webshop/orders-to-erp", "erp/sales-orders", "EX-2026-009", 12, 18),
        ],
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample log as two Parquet files, in two folders, as an archive has them."""
    made = tmp_path_factory.mktemp("o'log")
    records = list(enumerate(SAMPLE))
    for name, some in (("first", records[:HALF]), ("second", records[HALF:])):
        (made / name).mkdir()
        aside = tmp_path_factory.mktemp("aside")
        with parquet.Taken(aside) as taken:
            taken.add(some)
            taken.write(made / name / "records-000000.parquet")
    return made


def ask(query: SavedQuery, folder: Path, aside: Path, **said: str) -> dict[str, Any]:
    """What it answers, as the process of its own does."""
    asked = {"sql": query.sql, "folder": str(folder), "variables": said, "most": 100}
    return answer(asked, str(aside))


@pytest.mark.parametrize("name", KNOWN)
def test_what_it_finds_is_what_there_is(name: str, folder: Path, tmp_path: Path) -> None:
    """The answer of each on a log that can be read by eye."""
    found = ask(QUERIES[name], folder, tmp_path)
    columns, rows = KNOWN[name]
    at = [found["columns"].index(each) for each in columns.split()]
    assert [tuple(row[each] for each in at) for row in found["rows"]] == rows
    assert found["more"] is False


def test_every_query_has_its_known_answer() -> None:
    """None is left out above."""
    assert set(KNOWN) == set(QUERIES)


@pytest.mark.parametrize("name", sorted(set(QUERIES) - {"new-flows"}))
def test_a_range_without_records_has_no_rows(name: str, folder: Path, tmp_path: Path) -> None:
    """Zero rows are an answer; so is the range at either end."""
    assert ask(QUERIES[name], folder, tmp_path, after="2027-01-01")["rows"] == []
    assert ask(QUERIES[name], folder, tmp_path, before="2026-03-02T07:00:00Z")["rows"] == []


def test_no_flow_is_new_in_the_future(folder: Path, tmp_path: Path) -> None:
    """Zero rows; and with the parameter all flows are new since the beginning."""
    new = QUERIES["new-flows"]
    assert ask(new, folder, tmp_path, since="2027-01-01")["rows"] == []
    assert len(ask(new, folder, tmp_path, since="2026-01-01")["rows"]) == 7


def test_other_parameters_change_the_answer(folder: Path, tmp_path: Path) -> None:
    """Each that a head names is read by its query."""
    leaving = QUERIES["flows-leaving-the-core"]
    assert len(ask(leaving, folder, tmp_path, core="processor")["rows"]) == 3
    assert ask(leaving, folder, tmp_path, category="payment")["rows"] == []
    assert len(ask(leaving, folder, tmp_path, level="internal")["rows"]) == 2
    busiest = QUERIES["busiest-integrations"]
    assert len(ask(busiest, folder, tmp_path, most="3")["rows"]) == 3
    without = QUERIES["decisions-without-outcome"]
    assert len(ask(without, folder, tmp_path, hours="48")["rows"]) == 3


PLAIN = """
import json, sys, duckdb
folder, *files = sys.argv[1:]
rows = {}
for file in files:
    db = duckdb.connect()
    db.execute("set variable log = $1", [folder])
    rows[file] = len(db.execute(open(file).read()).fetchall())
print(json.dumps(rows))
"""


def test_duckdb_alone_runs_each_file(folder: Path) -> None:
    """Whoever has the files and DuckDB needs nothing of ours: the process has no policyd."""
    where = saved_query_files()
    command = [sys.executable, "-I", "-c", PLAIN, str(folder), *map(str, where)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {file.rpartition("/")[2]: count for file, count in json.loads(done.stdout).items()}
    assert found == {f"{name}.sql": len(rows) for name, (_, rows) in KNOWN.items()}


def saved_query_files() -> list[Path]:
    """The files, in the repository."""
    from tests.architecture.repository import ROOT  # noqa: PLC0415 - only here

    return sorted((ROOT / "audit" / "queries").glob("*.sql"))


def test_a_query_sees_its_folder_and_no_other_file(folder: Path, tmp_path: Path) -> None:
    """What is asked for elsewhere on the machine is refused, whoever wrote the query."""
    import duckdb  # noqa: PLC0415 - only here

    outside = tmp_path / "outside.csv"
    outside.write_text("secret\n1\n", encoding="utf-8")
    nosy = SavedQuery("x", "", "", "", {}, f"from read_csv('{outside}')")
    (tmp_path / "aside").mkdir()
    with pytest.raises(duckdb.PermissionException):
        ask(nosy, folder, tmp_path / "aside")


@pytest.mark.parametrize("query", QUERIES.values(), ids=list(QUERIES))
def test_heads_are_whole(query: SavedQuery) -> None:
    """Each says what it answers and what it serves; what it reads, its head names."""
    assert query.question.endswith("?")
    assert query.title
    assert query.serves
    for name in query.parameters:
        assert f"getvariable('{name}')" in query.sql
    assert query.sql.count("getvariable('") - query.sql.count("getvariable('log')") >= len(
        query.parameters
    )
    assert query.sql.rstrip().endswith(";")
    assert query.sql.count(";\n") == 1


def test_slips_are_told() -> None:
    """A name or a parameter that is not there is refused with the one that was meant."""
    with pytest.raises(UsageError, match="did you mean `new-flows`"):
        saved_query("new-flow")
    with pytest.raises(UsageError, match="lists them"):
        saved_query("zzz")
    with pytest.raises(UsageError, match="one of since"):
        given(QUERIES["new-flows"], ["untill=2026-01-01"])
    with pytest.raises(UsageError, match="name=value"):
        given(QUERIES["new-flows"], ["since"])
    assert given(QUERIES["new-flows"], ["since=a=b"]) == {"since": "a=b"}
