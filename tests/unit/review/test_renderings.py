"""Notices as other programs read them: SARIF, JUnit, annotations, JSON."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from policyd import __version__
from policyd.model.findings import Finding
from policyd.review import sarif as module
from policyd.review.annotations import annotations
from policyd.review.junit_notices import junit_notices
from policyd.review.notices import (
    Level,
    Notice,
    Silence,
    as_json,
    counts,
    fingerprints,
    of_finding,
    worst_first,
)
from policyd.review.sarif import sarif

SCHEMA = json.loads(Path(__file__).with_name("sarif.schema.json").read_text("utf-8"))
SILENCE = Silence("plant-it", "2026-12-31", "no names yet")


def notice(line: int = 3, level: Level = Level.WARNING, **more: Any) -> Notice:  # noqa: ANN401 - members of any type
    """A notice of an address."""
    made = Notice("a/b.yaml", line, 7, "PD702", "ip-literal", level, "it is one", "destination:x")
    return replace(made, **more)


def run_of(*notices: Notice) -> Any:  # noqa: ANN401 - JSON
    """The one run of their SARIF, which is valid."""
    log = json.loads(sarif(notices))
    Draft202012Validator(SCHEMA).validate(log)
    (run,) = log["runs"]
    return run


def test_sarif_is_valid_and_names_tool_rules_and_places() -> None:
    """Each rule once, by its own id; each result points at it, and has file, line and column."""
    load = of_finding(Finding("a/c d.yaml", 1, 1, "unknown-key", "`x` means nothing"))
    run = run_of(notice(), load, notice(9, Level.INFO, id="PD708", name="unused", about="y"))

    assert run["tool"]["driver"]["version"] == __version__
    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == [
        "PD702",
        "PD708",
        "unknown-key",
    ]
    told = [(r["ruleId"], r["ruleIndex"], r["level"]) for r in run["results"]]
    assert told == [("unknown-key", 2, "error"), ("PD702", 0, "warning"), ("PD708", 1, "note")]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a/c%20d.yaml"
    assert place["region"] == {"startLine": 1, "startColumn": 1}


def test_sarif_keeps_what_is_suppressed_with_the_reason() -> None:
    """It is a result with a suppression, and not left out."""
    (result,) = run_of(notice(silence=SILENCE))["results"]
    assert result["suppressions"] == [
        {
            "kind": "inSource",
            "status": "accepted",
            "justification": "no names yet (plant-it, until 2026-12-31)",
        }
    ]


def test_sarif_of_nothing_is_valid() -> None:
    """A run without results, which closes what was open."""
    assert run_of()["results"] == []


def test_sarif_stays_below_what_hosts_take() -> None:
    """The mildest are left out, and the run says how many."""
    many = [notice(n, Level.INFO, message="x" * 9_000, about=str(n)) for n in range(1, 1_201)]
    text = sarif([*many, notice(2_000, Level.ERROR)])
    assert len(text.encode()) <= module.MAX_BYTES
    (run,) = json.loads(text)["runs"]
    Draft202012Validator(SCHEMA).validate(json.loads(text))
    assert run["results"][0]["level"] == "error"
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    left_out = 1_201 - len(run["results"])
    assert left_out > 0
    assert told["message"]["text"].startswith(f"{left_out} more results are left out")


def test_fingerprints_outlive_moved_lines() -> None:
    """They depend on rule, file and thing; two alike are numbered."""
    here, moved = notice(3), notice(30, message="it is still one")
    other = notice(3, about="destination:y")
    assert fingerprints([here]) == fingerprints([moved])
    assert fingerprints([here]) != fingerprints([other])
    assert len(set(fingerprints([here, here, other]))) == 3


def test_annotations_say_kind_place_and_title() -> None:
    """What could end a command is written as GitHub reads it back."""
    odd = notice(2, Level.ERROR, file="a,b:c.yaml", message="50 %\nand more")
    assert annotations([notice(), odd, notice(4, Level.INFO)]) == [
        "::error file=a%2Cb%3Ac.yaml,line=2,col=7,title=PD702 ip-literal::50 %25%0Aand more",
        "::warning file=a/b.yaml,line=3,col=7,title=PD702 ip-literal::it is one",
        "::notice file=a/b.yaml,line=4,col=7,title=PD702 ip-literal::it is one",
    ]


def test_annotations_are_ten_of_a_kind_and_the_last_says_how_many_more() -> None:
    """GitHub drops what is beyond without a word."""
    found = annotations([notice(n) for n in range(1, 14)] + [notice(1, Level.ERROR)] * 10)
    assert len(found) == 20
    assert found[-1].endswith("it is one (+3 more warnings)")
    assert found[9].endswith("it is one")


def test_annotations_are_of_changed_lines_only_where_these_are_known() -> None:
    """And what is suppressed is not told."""
    listed = [notice(3), notice(4), notice(5, silence=SILENCE), notice(3, file="other.yaml")]
    assert [each.split(",")[1] for each in annotations(listed, {"a/b.yaml": {4, 5}})] == ["line=4"]


def test_junit_has_a_suite_for_each_file() -> None:
    """What blocks failed, what is suppressed was skipped, the rest passed and says its message."""
    blocking = notice(1, Level.ERROR, message="a < b \x1b[2J")
    root = ET.fromstring(  # noqa: S314 - our own document
        junit_notices([notice(), blocking, notice(5, silence=SILENCE)])
    )
    (suite,) = root
    assert suite.attrib == {
        "name": "a/b.yaml",
        "tests": "3",
        "failures": "1",
        "skipped": "1",
        "errors": "0",
    }
    failed, passed, skipped = suite
    assert failed[0].tag == "failure"
    assert failed[0].attrib == {"message": "a < b \ufffd[2J", "type": "error"}
    assert passed[0].tag == "system-out"
    assert skipped[0].attrib["message"] == "no names yet (plant-it, until 2026-12-31)"
    assert (failed.attrib["file"], failed.attrib["line"]) == ("a/b.yaml", "1")


def test_junit_of_nothing_has_a_case_that_passed() -> None:
    """Some CI systems take an empty report for a broken one."""
    root = ET.fromstring(junit_notices([]))  # noqa: S314 - our own document
    assert [case.attrib["name"] for case in root.iter("testcase")] == ["no findings"]


def test_json_counts_and_lists() -> None:
    """What is suppressed is counted as that, and as nothing else."""
    told = as_json([notice(fix="take it out"), notice(4, Level.ERROR, silence=SILENCE)])
    assert told["counts"] == {"error": 0, "warning": 1, "info": 0, "suppressed": 1}
    first, second = told["findings"]
    assert first["fix"] == "take it out"
    assert second["suppressed"] == {
        "owner": "plant-it",
        "until": "2026-12-31",
        "reason": "no names yet",
    }


def test_the_worst_comes_first() -> None:
    """By level, then by place."""
    found = worst_first([notice(1, Level.INFO), notice(9, Level.ERROR), notice(2, Level.ERROR)])
    assert [(each.level, each.line) for each in found] == [
        ("error", 2),
        ("error", 9),
        ("info", 1),
    ]
    assert counts(found)["error"] == 2


@pytest.mark.parametrize("word", ["unknown-key", "PD702"])
def test_a_notice_is_a_line_for_editors(word: str) -> None:
    """`file:line:column: level title: message`."""
    made = notice(id=word, name="ip-literal" if word == "PD702" else word)
    title = "PD702 ip-literal" if word == "PD702" else word
    assert str(made) == f"a/b.yaml:3:7: warning {title}: it is one"
