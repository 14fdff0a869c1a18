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


@pytest.fixture
def mine(policyd: Program) -> Path:
    """A copy of the sample company, in which levels are those of the rules themselves."""
    root = policyd.folder / "mine"
    shutil.copytree(POLICIES, root)
    company = root / "policyd.yaml"
    company.write_text(company.read_text("utf-8").partition("\n# How much lint")[0], "utf-8")
    return root


def test_what_is_no_error_is_told_and_does_not_block(policyd: Program, mine: Path) -> None:
    """Warnings end with 0; a level of IT makes one an error, and then the end is 1."""
    ended = policyd("lint", "mine", "--now", "2026-03-29")
    assert ended.code == 0
    assert "mine/guardrails/exemptions.yaml:27:3: warning PD501 expired-exemption: " in ended.out
    assert ended.out.endswith("mine: 1 warning, 4 info, 4 suppressed\n")

    with (mine / "policyd.yaml").open("a") as company:
        company.write("lint: {PD501: error}\n")
    assert policyd("lint", "mine", "--now", "2026-03-29").code == 1


def test_now_is_an_argument(policyd: Program, mine: Path) -> None:
    """A day, or a time with or without a zone; what is none is a mistake of the command."""
    del mine
    for day in ("2026-03-28", "2026-03-28T20:59", "2026-03-28T21:59:00+01:00"):
        assert "PD501" not in policyd("lint", "mine", "--now", day).out
    for day in ("2026-03-29", "2026-03-28T21:00", "2026-03-28T22:00:00+01:00"):
        assert "PD501" in policyd("lint", "mine", "--now", day).out
    ended = policyd("lint", "mine", "--now", "soon")
    assert ended.code == 2
    assert "`soon` is no day or time" in ended.err


def test_fix_shows_what_it_would_change_and_then_changes_it(policyd: Program, mine: Path) -> None:
    """With --dry-run the files stay; what a policy test is about is left, with the reason."""
    before = {path: path.read_bytes() for path in mine.rglob("*.yaml")}
    ended = policyd("lint", "mine", "--fix", "--dry-run", "--now", "2026-07-01")
    assert {path: path.read_bytes() for path in mine.rglob("*.yaml")} == before
    assert "not fixed: PD501 expired-exemption" in ended.err
    assert "a policy test is about it" in ended.err
    assert ended.err.endswith("would fix 1 finding\n")
    assert "PD506" in ended.out

    ended = policyd("lint", "mine", "--fix", "--now", "2026-07-01")
    assert ended.err.endswith("fixed 1 finding\n")
    assert "PD506" not in ended.out
    changed = {path for path, text in before.items() if path.read_bytes() != text}
    assert changed == {mine / "policyd.yaml"}
    was, is_ = before[mine / "policyd.yaml"], (mine / "policyd.yaml").read_bytes()
    assert is_ == was.replace(b", mode: warn, mode_until: 2026-06-30", b"")
    assert policyd("lint", "mine", "--fix", "--now", "2026-07-01").err.endswith(
        "fixed 0 findings\n"
    )


def test_fix_writes_through_no_link(policyd: Program, mine: Path) -> None:
    """A file of the tree that is a link to another stays what it is."""
    shutil.copy(mine / "policyd.yaml", mine / "tests" / "kept.yaml")
    (mine / "policyd.yaml").unlink()
    (mine / "policyd.yaml").symlink_to("tests/kept.yaml")
    ended = policyd("lint", "mine", "--fix", "--now", "2026-07-01")
    assert ended.code == 2
    assert "`mine/policyd.yaml` is a link" in ended.err
    assert (mine / "policyd.yaml").is_symlink()
    assert "mode: warn" in (mine / "policyd.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("sarif", '{\n "$schema": '),
        ("junit", "<?xml version="),
        ("github", "::warning file=mine/guardrails/"),
        ("json", '{\n  "counts": {'),
        ("text", "mine/guardrails/"),
    ],
)
def test_findings_come_in_the_form_that_is_asked_for(
    policyd: Program, mine: Path, form: str, begins: str
) -> None:
    """Files are named from where the user is, which is where a code host looks for them."""
    del mine
    ended = policyd("lint", "mine", "--format", form, "--now", "2026-07-01")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(begins)
    assert "mine/guardrails/exemptions.yaml" in ended.out


def test_a_rule_can_be_explained_without_a_tree(policyd: Program) -> None:
    """By its id in any case, or its name; one that there is not gets suggestions."""
    ended = policyd("lint", "--explain", "pd702")
    assert ended.code == 0
    assert ended.out.startswith("PD702 ip-literal (guardrails: warning, units: off)\n\nFinds ")
    assert policyd("lint", "--explain", "ip-literal").out == ended.out
    ended = policyd("lint", "--explain", "PD72")
    assert ended.code == 2
    assert "did you mean `PD702`?" in ended.err


def test_dry_run_belongs_to_fix(policyd: Program) -> None:
    """Alone it would promise what it does not do."""
    ended = policyd("lint", POLICIES, "--dry-run")
    assert ended.code == 2
    assert "`--dry-run` belongs to `--fix`" in ended.err


def test_a_huge_file_is_one_finding(policyd: Program, mine: Path) -> None:
    """It is not read to its end, and nothing else is told of it; comments in it do nothing."""
    line = b"# policyd: ignore PD702 until=2026-12-31 owner=it reason=none\n"
    (mine / "guardrails" / "labels.yaml").write_bytes(line * (10_000_000 // len(line)))
    ended = policyd("lint", "mine")
    assert ended.code == 1
    assert "mine/guardrails/labels.yaml:1:1: error file-too-large: " in ended.out
    assert ended.out.endswith("mine: 1 error\n")


def test_links_and_names_of_other_alphabets(policyd: Program, mine: Path) -> None:
    """A link that leads out is refused; a folder with another name is found where it is."""
    (policyd.folder / "Größe").mkdir()
    shutil.move(mine, policyd.folder / "Größe" / "правила")
    root = policyd.folder / "Größe" / "правила"
    outside = policyd.folder / "outside.yaml"
    outside.write_bytes((root / "guardrails" / "roles.yaml").read_bytes())
    (root / "guardrails" / "roles.yaml").unlink()
    (root / "guardrails" / "roles.yaml").symlink_to(outside)
    ended = policyd("lint", "Größe/правила")
    assert ended.code == 1
    told = "Größe/правила/guardrails/roles.yaml:1:1: error unreadable-file: it is a link"
    assert told in ended.out
    sarif = policyd("lint", "Größe/правила", "--format", "sarif").json()
    place = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].startswith("Gr%C3%B6%C3%9Fe/")
