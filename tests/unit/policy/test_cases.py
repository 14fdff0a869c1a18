"""Broken trees: each finding has its place, its code and its way out, and nothing else is said."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from policyd.model.errors import PolicyInvalid
from policyd.policy.codes import CODES
from policyd.policy.load import load_files

CASES = Path(__file__).parents[2] / "cases" / "policies"


def folder(name: str) -> dict[str, bytes]:
    """The files of a tree: `minimal` is the smallest; `lifted` adds what it leaves out."""
    root = CASES / name
    files = (each for each in root.rglob("*") if each.is_file())
    return {each.relative_to(root).as_posix(): each.read_bytes() for each in files}


def changed(case: Mapping[str, Any]) -> dict[str, bytes]:
    """The smallest tree, or with `over` what is laid over it, with the changes of *case*."""
    files = folder("minimal")
    files |= folder(case["over"]) if "over" in case else {}
    for path, (old, new) in case.get("change", {}).items():
        assert files[path].count(old.encode()) >= 1, f"{path} has no {old!r}"
        files[path] = files[path].replace(old.encode(), new.encode(), 1)
    for path, text in case.get("append", {}).items():
        files[path] += text.encode()
    files |= {path: text.encode() for path, text in case.get("write", {}).items()}
    files |= {path: text.encode() * times for path, (text, times) in case.get("repeat", {}).items()}
    files |= {path: bytes.fromhex(digits) for path, digits in case.get("bytes", {}).items()}
    for path in case.get("remove", ()):
        del files[path]
    return files


def cases() -> Iterator[Any]:
    """Every case, named by its file and its sentence."""
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text("utf-8")):
            yield pytest.param(case, id=f"{path.stem}: {case['it']}")


@pytest.mark.parametrize("case", list(cases()))
def test_every_finding_is_at_its_place_and_says_the_way_out(case: Mapping[str, Any]) -> None:
    """A broken tree has the findings of its case, all in one go, and no others."""
    try:
        load_files(changed(case))
        findings = []
    except PolicyInvalid as invalid:
        findings = list(invalid.findings)
    places = [f"{each.file}:{each.line}:{each.column}: {each.code}" for each in findings]
    assert places == case.get("expect", [])
    said = " ".join(each.message for each in findings)
    for words in case.get("says", ()):
        assert words in said


def test_every_code_has_a_case() -> None:
    """The closed list of codes and the codes of the cases are the same."""
    found = {
        line.rpartition(": ")[2] for param in cases() for line in param.values[0].get("expect", ())
    }
    of_folders = {"unreadable-file"}  # needs a folder on disk: tests/unit/policy/test_folder.py
    assert found | of_folders == CODES.keys()


def test_the_smallest_tree_has_no_findings() -> None:
    """What the cases change is fine before they change it."""
    assert load_files(folder("minimal")).company == "small"
    assert len(load_files(folder("minimal") | folder("lifted")).exemptions) == 7
