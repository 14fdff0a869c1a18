"""`policyd review`: two folders, two revisions, and everything that can be wrong with them."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.program import POLICIES, Ended, Program
from tests.repositories import Repository

ACCESS = "guardrails/access.yaml"
NIGHT = "    outside: [business-hours]\n"


def copied(folder: Path) -> Path:
    """A copy of the sample company, with the tests of one unit alone: that is quicker."""
    shutil.copytree(POLICIES, folder, ignore=shutil.ignore_patterns("*_test.yaml", "schemas"))
    shutil.copytree(
        POLICIES / "units/finance/tests", folder / "units/finance/tests", dirs_exist_ok=True
    )
    return folder


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of the sample company."""
    return copied(tmp_path / "old")


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Another one, to be changed."""
    return copied(tmp_path / "new")


def edit(tree: Path, file: str, before: str, after: str) -> None:
    """Change one thing in a tree."""
    path = tree / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def widen(tree: Path) -> None:
    """Let a unit do more, inside the guardrails."""
    edit(tree, "units/hr/access.yaml", "[hris/headcount]", "[hris/headcount, hris/org-chart]")


def test_two_folders(policyd: Program, old: Path, new: Path) -> None:
    """Totals stand first and last; what opens has its cause, its call and its owners."""
    widen(new)

    ended = policyd("review", old, new, "--out", "r.json", COLUMNS="400")
    comment = policyd("review", "--from", "r.json", "--format", "markdown").out

    lines = ended.out.splitlines()
    assert (ended.code, ended.err) == (0, "")
    assert lines[1:3] == ["OPENS ACCESS", "Opens 1, closes 0; 1 change in 1 file."]
    assert lines[-1] == "Opens 1, closes 0; 1 change in 1 file. Waiting for 1 approval."
    assert "  + opens 1. `hr/headcount-to-bi` may read `hris/org-chart`" in lines
    assert "    by   unit:hr/headcount changed (units/hr/access.yaml:3, of hr-apps)" in lines
    artefact = json.loads((policyd.folder / "r.json").read_text())
    assert f"digest {artefact['digest']}" in lines
    assert comment.startswith("<!-- policyd:review key=")
    assert artefact["digest"] in comment


def test_two_revisions(tmp_path: Path) -> None:
    """A revision is read as it was committed, and nothing of the checkout matters."""
    repository = Repository(tmp_path / "repo")
    copied(repository.folder / "policies")
    base = repository.commit({}, "as it is")
    widen(repository.folder / "policies")
    head = repository.commit({}, "more")
    inside = Program(repository.folder)

    ended = inside("review", f"{base}..{head}", "--json")
    told = ended.json()
    shutil.rmtree(repository.folder / "policies/units/hr")
    again = inside("review", "HEAD~1..HEAD", "--plain")

    assert (ended.code, again.code) == (0, 0)
    assert (told["base"]["commit"], told["head"]["commit"]) == (base, head)
    assert told["totals"]["opens"] == 1
    assert "Opens 1, closes 0; 1 change in 1 file." in again.out


def test_forms_for_code_hosts(policyd: Program, old: Path, new: Path) -> None:
    """What opens stands beside the line that opens it, in each form; JSON comes back as it was."""
    widen(new)
    policyd("review", old, new, "--out", "r.json")

    sarif, junit, github, same = (
        policyd("review", "--from", "r.json", "--format", form)
        for form in ("sarif", "junit", "github", "json")
    )

    opens = [one for one in sarif.json()["runs"][0]["results"] if one["ruleId"] == "opens"]
    place = opens[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "units/hr/access.yaml"
    assert place["region"]["startLine"] == 3
    assert "may read `hris/org-chart`" in junit.out
    assert "::warning file=units/hr/access.yaml,line=3,col=3,title=opens::region 1" in github.out
    assert same.out == (policyd.folder / "r.json").read_text()


def test_exit_codes_in_detail(policyd: Program, old: Path, new: Path) -> None:
    """Widening is a fact and no failure, unless somebody asks for a code of its own."""

    def codes() -> list[int]:
        plain = policyd("review", old, new, "--out", "r.json")
        again = policyd("review", "--from", "r.json", "--detailed-exitcode")
        return [plain.code, again.code]

    same = codes()
    widen(new)
    opens = codes()
    edit(new, ACCESS, NIGHT, "")
    tests = codes()
    edit(new, ACCESS, "forbid:\n", "forbids:\n")
    lint = codes()

    assert [same, opens, tests, lint] == [[0, 0], [0, 12], [1, 11], [1, 10]]


def test_another_clock_is_not_proved(policyd: Program, old: Path, new: Path) -> None:
    """13: nothing is blocked, and nothing is called proved either."""
    edit(new, "guardrails/calendar.yaml", "Europe/Berlin", "Europe/Paris")
    ended = policyd("review", new, old, "--detailed-exitcode", "--plain")
    assert (
        "not decided: the company's clock moves from `Europe/Paris` to `Europe/Berlin`" in ended.out
    )
    assert "slow lane" in ended.out
    assert ended.code in {12, 13}


def test_a_head_that_does_not_load(policyd: Program, old: Path, new: Path) -> None:
    """Every finding with its place; nothing is proved; the artefact says so too."""
    edit(new, ACCESS, "forbid:\n", "forbids:\n")

    ended = policyd("review", old, new, "--out", "r.json")

    assert ended.code == 1
    assert f"error {ACCESS}:6: unknown-key: `forbids` means nothing here" in ended.out
    assert "BLOCKED: lint has errors" in ended.out
    told = json.loads((policyd.folder / "r.json").read_text())
    assert told["proof"]["access"]["verdict"] == "not-proved"
    assert told["head"]["snapshot"] is None
    again = policyd("review", "--from", "r.json", "--format", "markdown")
    assert "unknown-key" in again.out
    assert again.code == 1


def told_of_base(policyd: Program, old: Path, new: Path) -> Ended:
    """What a review says whose base is broken."""
    ended = policyd("review", old, new, "--out", "r.json")
    assert ended.code == 2
    assert "[base-invalid]" in ended.err
    assert "name a base that does" in ended.err
    assert not (policyd.folder / "r.json").exists()
    return ended


def test_a_base_that_does_not_load(policyd: Program, old: Path, new: Path) -> None:
    """There is nothing to compare with: 2, the findings, and the way out."""
    edit(old, ACCESS, "forbid:\n", "forbids:\n")
    assert f"{ACCESS}:6:1: unknown-key" in told_of_base(policyd, old, new).err


def test_a_custom_matcher(policyd: Program, old: Path, new: Path) -> None:
    """It is a finding in the head, and a base that has one is no base."""
    edit(new, "guardrails/model.conf", "keyMatch(r.data, p.data)", "regexMatch(r.data, p.data)")
    assert "model-changed" in policyd("review", old, new).out
    assert "model-changed" in told_of_base(policyd, new, old).err


def test_a_file_of_ten_megabytes(policyd: Program, old: Path, new: Path) -> None:
    """It is refused for its size, unread."""
    with (new / ACCESS).open("ab") as file:
        file.write(b"# filler\n" * 1_200_000)
    ended = policyd("review", old, new)
    assert ended.code == 1
    assert "file-too-large" in ended.out


def test_names_in_any_script(policyd: Program, old: Path, new: Path) -> None:
    """They come out whole in every form, also where the terminal knows ASCII alone."""
    reason = "Führungskräfte planen mit 人数 und keinem Namen."
    edit(new, "units/hr/access.yaml", "Managers plan with numbers of people.", reason)

    ended = policyd("review", old, new, "--out", "r.json", "--plain")
    plain = policyd("review", old, new, "--json", LANG="C", LC_ALL="C", PYTHONUTF8="0")

    assert reason in ended.out
    assert reason in policyd("review", "--from", "r.json", "--format", "markdown").out
    assert plain.code == 0
    assert plain.json()["state"] == "same"


def test_a_narrow_terminal(policyd: Program, old: Path, new: Path) -> None:
    """No line is longer than 40 columns but for a name that is; no colour carries a meaning."""
    edit(new, "policyd.yaml", "grace_days: 30 ", "grace_days: 60 ")
    ended = policyd("review", old, new, COLUMNS="40")
    long = [each for each in ended.out.splitlines() if len(each) > 40]
    assert [each for each in long if len(each.split()) > 1] == []
    assert "\x1b" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["old"], "one-folder"),
        (["old", "none"], "no-folder"),
        (["old", "new", "--out", "none/r.json"], "file-unwritable"),
        (["old", "new", "--now", "soon"], "bad-time"),
        (["old", "new", "--from", "r.json"], "usage"),
        (["--from", "none.json"], "file-unreadable"),
        (["--from", "new/policyd.yaml"], "bad-review"),
        ([], "usage"),
        (["HEAD..HEAD"], "no-repository"),
    ],
)
def test_misuse(policyd: Program, old: Path, new: Path, arguments: list[str], code: str) -> None:
    """2, with a code and the way out."""
    assert old != new
    ended = policyd("review", *arguments)
    assert ended.code == 2
    assert f"[{code}]" in ended.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--from", "r.json", "--url", "http://127.0.0.1:1"), "`--from` reviews nothing"),
        (("--from", "r.json", "one", "two"), "`--from` reviews nothing"),
        (("--window", "7d"), "name its server with `--url`"),
    ],
)
def test_options_without_effect(policyd: Program, arguments: tuple[str, ...], told: str) -> None:
    """They are refused, and not passed over."""
    ended = policyd("review", *arguments)
    assert ended.code == 2
    assert told in ended.err
