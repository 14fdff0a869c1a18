"""`policyd lint`: places that an editor can follow, a count, and the exit code."""

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.program import POLICIES, Program

_PLACE = re.compile(r"^(.+?):(\d+):(\d+): (error|warning|info) ([^:]+): (.+)$")


@pytest.fixture
def broken(policyd: Program) -> Path:
    """The sample company with two mistakes, as a relative path."""
    shutil.copytree(POLICIES, policyd.folder / "mine")
    roles = policyd.folder / "mine" / "guardrails" / "roles.yaml"
    roles.write_text(roles.read_text().replace("\nroles:", "\nrolls:", 1))
    unit = policyd.folder / "mine" / "units" / "hr" / "unit.yaml"
    unit.write_text("unit: [1\n")
    return Path("mine")


def test_sample_company_is_fine(policyd: Program) -> None:
    """A tree without findings ends with 0 and says so."""
    ended = policyd("lint", POLICIES)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{POLICIES}: no findings, 4 suppressed\n"
    told = policyd("lint", POLICIES, "--json").json()
    assert told["counts"] == {"error": 0, "warning": 0, "info": 0, "suppressed": 4}
    assert [each["id"] for each in told["findings"]] == ["PD702", "PD702", "PD502", "PD503"]
    assert all(each["suppressed"]["reason"] for each in told["findings"])


def test_findings_stand_where_an_editor_finds_them(policyd: Program, broken: Path) -> None:
    """Each finding is one line with a path from where the user is; then comes the count."""
    ended = policyd("lint", broken)
    *lines, count = ended.out.splitlines()
    places = [_PLACE.fullmatch(line) for line in lines]

    assert ended.code == 1
    assert all(place and (policyd.folder / place[1]).exists() for place in places)
    files = {place[1] for place in places if place}
    assert {"mine/guardrails/roles.yaml", "mine/units/hr/unit.yaml"} <= files
    assert count == f"mine: {len(lines)} errors"


def test_findings_are_objects_for_programs(policyd: Program, broken: Path) -> None:
    """With --json the same findings come as objects, in the same order."""
    told = policyd("lint", broken)
    ended = policyd("lint", broken, "--json")
    told_json = ended.json()["findings"]
    lines = ["{file}:{line}:{column}: {level} {id}: {message}".format(**e) for e in told_json]

    assert ended.code == 1
    assert lines == told.out.splitlines()[:-1]


def test_missing_folder_is_no_finding(policyd: Program) -> None:
    """A folder that is not there, or a file, is a mistake of the command: 2, not 1."""
    (policyd.folder / "file").touch()

    for name in ("nowhere", "file"):
        ended = policyd("lint", name)
        assert ended.code == 2
        assert (
            ended.err == f"policyd: there is no folder `{name}`: name a policy tree [no-folder]\n"
        )


def test_empty_folder_lacks_everything(policyd: Program) -> None:
    """An empty folder is no policy tree: what is missing is told, one finding each."""
    (policyd.folder / "empty").mkdir()

    ended = policyd("lint", "empty")

    assert ended.code == 1
    assert "empty/policyd.yaml" in ended.out


def test_file_name_cannot_command_the_terminal(policyd: Program) -> None:
    """A file whose name holds control characters is told without them."""
    shutil.copytree(POLICIES, policyd.folder / "mine")
    (policyd.folder / "mine" / "guardrails" / "\x1b[2Jodd.yaml").write_text("x: 1\n")

    ended = policyd("lint", "mine")

    assert ended.code == 1
    assert "odd.yaml" in ended.out
    assert "\x1b" not in ended.out
