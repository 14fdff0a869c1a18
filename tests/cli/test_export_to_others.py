"""`policyd audit export` in the forms of other systems, against a running server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policyd_audit.tree import leaf_hash
from tests.cli.program import Ended, Program
from tests.servers import Home, Server

CALL = {
    "subject": {"type": "integration", "id": "sales/customers-to-crm"},
    "action": {"name": "send", "properties": {"rows": 3}},
    "resource": {
        "type": "dataset",
        "id": "erp/customers",
        "properties": {"fields": ["customer_no", "segment"]},
    },
    "context": {"endpoint": "crm/api", "path": "contacts", "method": "POST"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has decided two calls."""
    with Server(Home.make(tmp_path_factory.mktemp("others") / "data")) as running:
        pep = running.pep("sales")
        for _ in range(2):
            assert running.check(CALL, pep).json()["decision"]
        yield running


@pytest.fixture(scope="module")
def auditor(server: Server) -> str:
    """An auditor's key."""
    secret: str = server.make_key("auditor")["key"]
    return secret


def export(policyd: Program, server: Server, key: str, form: str, *more: str) -> Ended:
    """The outcome of an export into the folder of the form's name."""
    url = f"http://127.0.0.1:{server.port}"
    command = ["audit", "export", "--form", form, "--to", form, "--url", url, *more]
    return policyd(*command, POLICYD_KEY=key)


def lines(folder: Path, form: str) -> list[dict[str, Any]]:
    """What is in the file of an export."""
    text = (folder / form / f"records.{form}.ndjson").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_siem_gets_records_that_it_can_prove(
    policyd: Program, server: Server, auditor: str
) -> None:
    """Every record is an OCSF event whose raw data are its leaf, as the server shows it."""
    assert export(policyd, server, auditor, "ocsf").code == 0
    events = lines(policyd.folder, "ocsf")
    assert [each["unmapped"]["policyd"]["index"] for each in events] == list(range(len(events)))
    page = server.get("/v1/audit/records?order=oldest&limit=200", auditor).json()
    hashes = [each["leaf_hash"] for each in page["records"]]
    assert [leaf_hash(each["raw_data"].encode()).hex() for each in events] == hashes[: len(events)]


def test_a_bus_gets_events_and_a_catalogue_gets_flows(
    policyd: Program, server: Server, auditor: str
) -> None:
    """The manifest names form and file, and is signed."""
    for form in ("cloudevents", "openlineage"):
        assert export(policyd, server, auditor, form).code == 0
        manifest = (policyd.folder / form / "manifest").read_text("utf-8")
        assert f"form {form}\n" in manifest
        assert f"file records.{form}.ndjson " in manifest
    (flow,) = lines(policyd.folder, "openlineage")
    assert flow["run"]["facets"]["policyd_flow"]["calls"] == 2
    assert flow["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 6
    events = lines(policyd.folder, "cloudevents")
    assert {each["source"] for each in events} == {"policyd://policyd.example/log"}


@pytest.mark.parametrize(
    "more",
    [
        ("--first", "3"),
        ("--end", "9"),
        ("--after", "2026-01-01T08:30:00"),
        ("--before", "2026-01-01T08:00:01"),
    ],
)
def test_half_an_hour_of_flows_is_refused(
    policyd: Program, server: Server, auditor: str, more: tuple[str, str]
) -> None:
    """It would take the place of the whole hour in a catalogue that has it already."""
    ended = export(policyd, server, auditor, "openlineage", *more)
    assert ended.code == 2
    assert "[range-within-hour]" in ended.err


def test_whole_hours_of_flows_are_taken(policyd: Program, server: Server, auditor: str) -> None:
    """From one full hour to another."""
    hours = ("--after", "2026-01-01T08:00:00", "--before", "9998-01-01T09:00:00")
    assert export(policyd, server, auditor, "openlineage", *hours).code == 0
