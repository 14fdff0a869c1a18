"""Forms of an export: what is settled is there, cells are safe, and a full disk is told."""

from __future__ import annotations

import csv
import json
import os
from errno import EACCES, EDQUOT, EIO, ENOSPC
from typing import TYPE_CHECKING

import pytest

from policyd.cli.export import FormName, _explained, _merged
from policyd.cli.export_forms import Settled, cell, form_of
from policyd.cli.export_source import Begun, Taken
from policyd.model.errors import PolicydError, UsageError
from policyd_audit.tree import Tree, leaf_hash
from tests.sample_log import Made

if TYPE_CHECKING:
    from pathlib import Path

BEGUN = Begun("id", 0, 600, 600, "a checkpoint\n", ["a key"])


def calls() -> list[bytes]:
    """Decisions, one each half minute."""
    log = Made()
    for number in range(BEGUN.end):
        log.at(0, f"{8 + number // 120:02}:{number % 120 // 2:02}")
        log.decide(f"sales/{'ab'[number % 2]}", "send", "erp/customers", ("crm", "processor"))
    return log.leaves


LEAVES = calls()


def bundle(number: int, *, lost: bool = False) -> Taken:
    """A bundle of these."""
    records = BEGUN.within(number)
    leaves = LEAVES[records.start : records.stop]
    return Taken(records, None if lost else leaves, list(map(leaf_hash, leaves)))


@pytest.mark.parametrize("form", [each.value for each in FormName])
def test_what_is_beyond_the_settled_is_taken_again(form: str, tmp_path: Path) -> None:
    """An export that was cut at any bundle ends with the files of one that was not."""

    def files(folder: Path, cut: int | None) -> dict[str, bytes]:
        folder.mkdir()
        made = form_of(form, folder, BEGUN)
        made.restore(Settled(0))
        start = 0
        if cut is not None:
            for number in range(cut):
                made.take(bundle(number))
            settled = made.settle(cut * 256)
            made.take(bundle(cut))  # and then the process ends
            made = form_of(form, folder, BEGUN)
            made.restore(settled)
            start = settled.next // 256
        for number in range(start, 3):
            made.take(bundle(number))
        made.settle(600)
        made.finish()
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    whole = files(tmp_path / "whole", None)
    assert whole
    for cut in (0, 1, 2):
        assert files(tmp_path / f"cut-{cut}", cut) == whole


def test_flows_of_an_export_are_told_by_the_hour(tmp_path: Path) -> None:
    """Each hour of each flow is one line, also where some of its records are lost."""
    made = form_of("openlineage", tmp_path, BEGUN)
    made.restore(Settled(0))
    for number in range(3):
        made.take(bundle(number, lost=number == 1))
    made.finish()
    lines = (tmp_path / "records.openlineage.ndjson").read_text("utf-8").splitlines()
    told = [json.loads(line) for line in lines]
    calls = [each["run"]["facets"]["policyd_flow"]["calls"] for each in told]
    assert sum(calls) == 600 - 256
    assert len(told) == 2 * 4  # of the five hours one is lost
    assert len({each["run"]["runId"] for each in told}) == len(told)


def test_an_export_of_events_has_a_line_for_each_record(tmp_path: Path) -> None:
    """In the order of the log, with the log's own name and the record's number."""
    for form, number in (
        ("ocsf", lambda event: event["unmapped"]["policyd"]["index"]),
        ("cloudevents", lambda event: int(event["sequence"])),
    ):
        made = form_of(form, tmp_path, BEGUN)
        made.restore(Settled(0))
        made.take(bundle(2))
        lines = (tmp_path / f"records.{form}.ndjson").read_text("utf-8").splitlines()
        told = [json.loads(line) for line in lines]
        assert [number(each) for each in told] == list(range(512, 600))
        assert "a checkpoint" in lines[0]


def test_a_log_has_every_tile_of_its_tree(tmp_path: Path) -> None:
    """Full and partial ones of all levels, also where records were lost."""
    made = form_of("log", tmp_path, BEGUN)
    for number in range(3):
        made.take(bundle(number, lost=number == 1))
    made.finish()
    found = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert found == {
        "checkpoint",
        "log.vkey",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/002.p/88",
    }
    tree = Tree()
    tree.extend(each for number in range(3) for each in bundle(number).hashes)
    assert (tmp_path / "tile/1/000.p/2").read_bytes() == b"".join(tree.edge[1])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_begins_a_formula(start: str, tmp_path: Path) -> None:
    """Whatever a record says, a spreadsheet takes it for text (OWASP, CSV injection)."""
    nasty = f"{start}cmd|' /C calc'!A0"
    record = {"text": nasty, "call": {"fields": [nasty, "b"]}, "reasons": [{"code": nasty}]}
    assert cell(record, ("text",)) == f"'{nasty}"
    assert cell(record, ("call", "fields")) == f"'{nasty};b"
    made = form_of("csv", tmp_path, BEGUN)
    made.restore(Settled(0))
    made.take(Taken(range(1), [json.dumps(record).encode()], []))
    with (tmp_path / "records.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["text"] == f"'{nasty}"
    assert not [value for value in row.values() if value.startswith(("=", "+", "-", "@"))]


FAULTS = [
    (OSError(ENOSPC, os.strerror(ENOSPC)), "disk-full", "free some space.* --resume, or remove it"),
    (OSError(EDQUOT, os.strerror(EDQUOT)), "disk-full", "free some space"),
    (PolicydError("No space left on device", code="disk-full"), "disk-full", "free some space"),
    (OSError(EIO, os.strerror(EIO)), "folder-unwritable", "Input/output error: check the disk"),
    (OSError(EACCES, os.strerror(EACCES)), "folder-unwritable", "Permission denied"),
]


@pytest.mark.parametrize(("error", "code", "words"), FAULTS)
def test_a_disk_that_does_not_take_it(
    error: Exception, code: str, words: str, tmp_path: Path
) -> None:
    """It is told what to do, and that what is there can be gone on with."""
    with pytest.raises(UsageError, match=words) as caught, _explained(tmp_path / "out.part"):
        raise error
    assert caught.value.code == code


def test_what_was_left_out_is_told_in_stretches() -> None:
    """Bundles that touch are one stretch."""
    assert _merged([[0, 256], [256, 512], [768, 1024]]) == [(0, 512), (768, 1024)]
