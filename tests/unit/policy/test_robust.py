"""Whatever stands in a policy file is either a snapshot or findings, never an accident."""

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from policyd.model.errors import PolicyInvalid
from policyd.policy.codes import CODES
from policyd.policy.documents import read
from policyd.policy.load import Reading, draft, load_files
from policyd.policy.remembering import Remembering
from policyd.policy.rule_files import compile_rules

MINIMAL = Path(__file__).parents[2] / "cases" / "policies" / "minimal"
FILES = {
    each.relative_to(MINIMAL).as_posix(): each.read_bytes()
    for each in MINIMAL.rglob("*")
    if each.is_file()
}
LIFTED = FILES | {
    each.relative_to(MINIMAL.parent / "lifted").as_posix(): each.read_bytes()
    for each in (MINIMAL.parent / "lifted").rglob("*")
    if each.is_file()
}
EXEMPTIONS = "guardrails/exemptions.yaml"
LIFTED[EXEMPTIONS] = LIFTED[EXEMPTIONS].partition(b"  EX-2:")[0]  # one of them is enough to break
ODD: tuple[Any, ...] = (
    None,
    0,
    1.5,
    True,
    "",
    "x",
    "everyone",
    [],
    ["x", "x"],
    [["a"]],
    {},
    {"a": {"b": 1}},
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    """The way to every value in *value*."""
    yield path
    steps = value.items() if isinstance(value, dict) else ()
    for step, inner in enumerate(value) if isinstance(value, list) else steps:
        yield from places(inner, (*path, step))


def outcome(files: Mapping[str, bytes], reading: Reading) -> set[str] | None:
    """Codes of the findings; None if the tree is loaded."""
    made, findings = draft(files, reading=reading)
    if made:
        made.snapshot()
    return None if made else {each.code for each in findings}


@pytest.fixture
def reading() -> Reading:
    """Reads what has changed, as the builder does: nearly all of a tree is the same each time."""
    return Remembering(
        lambda sources, words: [compile_rules(each, words) for each in sources],
    )


def broken(data: Any) -> Iterator[Any]:  # noqa: ANN401
    """The data with each value in turn left out, renamed, or replaced by something odd."""
    for path in places(data):
        if not path:
            yield from ODD
            continue
        for odd in (*ODD, "leave out", "rename"):
            made = copy.deepcopy(data)
            inside = made
            for step in path[:-1]:
                inside = inside[step]
            if odd == "leave out":
                del inside[path[-1]]
            elif odd == "rename" and isinstance(inside, dict):
                inside["nobody"] = inside.pop(path[-1])
            else:
                inside[path[-1]] = odd
            yield made


@pytest.mark.parametrize("file", [path for path in sorted(LIFTED) if path.endswith(".yaml")])
def test_a_broken_value_becomes_findings(file: str, reading: Reading) -> None:
    """Every value of every file, in every odd form, is loaded or refused with known codes."""
    document, _ = read(file, LIFTED[file])
    for data in broken(document.data):
        codes = outcome(LIFTED | {file: json.dumps(data).encode()}, reading)
        assert codes is None or (codes and codes <= CODES.keys())


@pytest.mark.parametrize("file", sorted(LIFTED))
def test_half_a_file_becomes_findings(file: str, reading: Reading) -> None:
    """A file that was cut off anywhere is loaded or refused."""
    source = LIFTED[file]
    for end in range(0, len(source), 7):
        codes = outcome(LIFTED | {file: source[:end]}, reading)
        assert codes is None or (codes and codes <= CODES.keys())


@pytest.mark.parametrize("file", sorted(FILES))
def test_a_missing_file_is_all_that_is_found(file: str) -> None:
    """A finding is about what is wrong, not about everything that needs it."""
    with_out = {path: source for path, source in FILES.items() if path != file}
    if file == "guardrails/templates/feed.yaml":
        with_out["units/hr/integrations.yaml"] = with_out["units/hr/integrations.yaml"].replace(
            b"    template: feed\n", b""
        )
        assert load_files(with_out).templates == {}
        return
    with pytest.raises(PolicyInvalid) as invalid:
        load_files(with_out)
    assert [(each.file, each.code) for each in invalid.value.findings] == [(file, "missing-file")]
