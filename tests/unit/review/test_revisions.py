"""Policy trees out of real git repositories: what a revision has, and what is refused."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from policyd.model.errors import PolicydError, UsageError
from policyd.policy import folder, layout
from policyd.policy.load import draft, load_files
from policyd.review.git import MAX_ENTRIES
from policyd.review.revisions import Changed, Version, at_folder, at_revision, between, of
from tests.repositories import Repository, git

ROOT = Path(__file__).parents[3]
MINIMAL = ROOT / "tests" / "cases" / "policies" / "minimal"
SUITE = "tests/ours_test.yaml"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository whose folder `policies` has the smallest tree, and a suite."""
    made = Repository(tmp_path / "repository")
    shutil.copytree(MINIMAL, made.folder / "policies")
    made.commit({f"policies/{SUITE}": "suite: Ours\n", "README.md": "Ours."}, "first")
    return made


@pytest.fixture
def root(repository: Repository) -> Path:
    """Its policy folder."""
    return repository.folder / "policies"


def refused(root: Path, revisions: str) -> PolicydError:
    """Why these revisions of *root* are not read."""
    with pytest.raises(UsageError) as found:
        between(root, revisions)
    return found.value


def codes(version: Version) -> list[str]:
    """Place and code of each finding of a version."""
    return [f"{each.file} {each.code}" for each in draft(version.files, version.unreadable)[1]]


def test_a_revision_is_what_a_folder_has(root: Path) -> None:
    """The same files, the same suites, the same snapshot."""
    there, here = at_revision(root, "HEAD"), at_folder(root)

    assert (there.files, there.suites) == (here.files, here.suites)
    assert [*there.suites] == [SUITE]
    assert load_files(there.files).digest == load_files(here.files).digest
    assert (here.commit, len(there.commit or "")) == (None, 40)


def test_the_working_tree_does_not_count(repository: Repository, root: Path) -> None:
    """A revision is what was committed; it may be compared with what was not."""
    (root / "policyd.yaml").write_text("company: changed\n")
    (root / "units/hr/unit.yaml").unlink()
    (root / "guardrails/promotions.yaml").write_text("")

    pair = between(root, "HEAD")

    assert codes(pair.base) == []
    assert pair.changed == (
        Changed("guardrails/promotions.yaml", "added"),
        Changed("policyd.yaml", "changed"),
        Changed("units/hr/unit.yaml", "removed"),
    )
    assert (pair.base.commit, pair.head.commit) == (
        repository.git("rev-parse", "HEAD").strip(),
        None,
    )


def test_files_that_were_renamed_and_deleted(repository: Repository, root: Path) -> None:
    """Each path that differs, also of files that decide nothing; a moved one once."""
    shutil.copytree(root / "units/hr", root / "units/law")
    repository.commit({})
    shutil.move(root / "units/law", root / "units/legal")
    repository.commit({f"policies/{SUITE}": None, "policies/CODEOWNERS": "* @it", "else": ""})

    found = between(root, "HEAD~..HEAD").changed

    assert found == (
        Changed("CODEOWNERS", "added"),
        Changed(SUITE, "removed"),
        Changed("units/legal/access.yaml", "renamed", "units/law/access.yaml"),
        Changed("units/legal/integrations.yaml", "renamed", "units/law/integrations.yaml"),
        Changed("units/legal/unit.yaml", "renamed", "units/law/unit.yaml"),
    )


def test_three_dots_compare_with_where_both_come_from(repository: Repository, root: Path) -> None:
    """What main has done meanwhile is none of the branch's changes."""
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit({"policies/a.md": "feature"})
    repository.git("checkout", "-q", "main")
    repository.commit({"policies/b.md": "main"})

    two, three = between(root, "main..feature"), between(root, "main...feature")

    assert two.changed == (Changed("a.md", "added"), Changed("b.md", "removed"))
    assert three.changed == (Changed("a.md", "added"),)
    assert three.base.commit == repository.git("merge-base", "main", "feature").strip()
    assert between(root, "main...").head.commit == two.base.commit  # an empty side is HEAD


def test_a_merge_commit_has_what_both_sides_did(repository: Repository, root: Path) -> None:
    """Trees are compared, so nothing that a merge brings is overlooked."""
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit({"policies/a.md": "feature"})
    repository.git("checkout", "-q", "main")
    repository.commit({"policies/b.md": "main"})
    repository.git("merge", "-q", "--no-ff", "-m", "merge", "feature")

    assert between(root, "HEAD~2..HEAD").changed == (
        Changed("a.md", "added"),
        Changed("b.md", "added"),
    )
    assert between(root, "HEAD^..HEAD").changed == (Changed("a.md", "added"),)


@pytest.mark.parametrize(
    ("revisions", "code"),
    [
        ("mian..HEAD", "unknown-revision"),
        ("0123456789012345678901234567890123456789", "unknown-revision"),
        ("HEAD:policies", "unknown-revision"),  # a folder is no commit
        ("^HEAD", "bad-revision"),
        ("--upload-pack=touch /tmp/x..HEAD", "bad-revision"),
        ("HEAD..--output=x", "bad-revision"),
        ("", "bad-revision"),
        ("HEAD\n--all", "bad-revision"),
        ("HEAD\0", "bad-revision"),
    ],
)
def test_what_names_no_revision(root: Path, revisions: str, code: str) -> None:
    """It is said, and nothing of it becomes an option of git."""
    assert refused(root, revisions).code == code


def test_a_branch_named_like_an_option(repository: Repository, root: Path) -> None:
    """It is refused by that name, and read by its full one."""
    head = repository.git("rev-parse", "HEAD").strip()
    repository.git("update-ref", "refs/heads/--help", head)
    assert refused(root, "--help").code == "bad-revision"
    assert at_revision(root, "refs/heads/--help").commit == head


def test_no_repository(tmp_path: Path) -> None:
    """Two folders can still be compared."""
    found = refused(tmp_path, "HEAD")
    assert found.code == "no-repository"
    assert "two folders" in found.message


def test_a_folder_that_the_revision_lacks(repository: Repository, root: Path) -> None:
    """Whoever names another folder, or a file, learns what was looked for."""
    for name in ("polcies", "README.md", "policies/units/nobody"):
        found = refused(repository.folder / name, "HEAD")
        assert found.code == "no-folder"
        assert f"`{name}`" in found.message
    shutil.rmtree(root)  # what is not checked out is there all the same
    assert codes(at_revision(root, "HEAD")) == []
    assert refused(root, "HEAD").code == "no-folder"


def test_a_repository_without_a_working_tree(repository: Repository, tmp_path: Path) -> None:
    """A server's bare repository is read the same way; a tree may be its top."""
    git(tmp_path, "clone", "-q", "--bare", str(repository.folder), "bare.git")
    assert codes(at_revision(tmp_path / "bare.git/policies", "main")) == []
    top = Repository(tmp_path / "top")
    shutil.copytree(MINIMAL, top.folder, dirs_exist_ok=True)
    top.commit({})
    assert codes(at_revision(top.folder, "main")) == []


def test_a_shallow_clone_says_how_to_get_the_rest(repository: Repository, tmp_path: Path) -> None:
    """CI systems fetch one commit; the message says what to set."""
    repository.commit({"policies/a.md": "second"})
    url = f"file://{repository.folder}"
    git(tmp_path, "clone", "-q", "--depth", "1", url, "shallow")
    root = tmp_path / "shallow/policies"

    assert codes(at_revision(root, "HEAD")) == []
    found = refused(root, "HEAD~..HEAD")
    assert (found.code, "fetch-depth: 0" in found.message) == ("unknown-revision", True)

    repository.git("checkout", "-q", "-b", "feature")
    repository.commit({"policies/b.md": "third"})
    git(tmp_path / "shallow", "fetch", "-q", "--depth", "1", url, "feature")
    found = refused(root, "HEAD...FETCH_HEAD")
    assert (found.code, "--unshallow" in found.message) == ("no-common-commit", True)


def test_histories_without_a_common_commit(repository: Repository, root: Path) -> None:
    """Two dots compare them."""
    repository.git("checkout", "-q", "--orphan", "other")
    repository.commit({"policies/a.md": "other"})
    found = refused(root, "main...other")
    assert (found.code, "`..`" in found.message) == ("no-common-commit", True)
    assert "shallow" not in found.message
    assert between(root, "main..other").changed == (Changed("a.md", "added"),)


def test_a_partial_clone_is_not_completed(repository: Repository, tmp_path: Path) -> None:
    """Reviewing fetches nothing: what is not here is said to be missing."""
    repository.git("config", "uploadpack.allowFilter", "true")
    url = f"file://{repository.folder}"
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", url, "partial")
    found = refused(tmp_path / "partial/policies", "HEAD..HEAD")
    assert found.code == "object-missing"


def test_links_are_followed_as_on_disk(repository: Repository, root: Path) -> None:
    """A link may lead to another file of the folder, and never out of it or to a folder."""
    (root / ".shared").mkdir()
    (root / "policyd.yaml").rename(root / ".shared/policyd.yaml")
    (root / ".again").symlink_to(".shared")
    (root / "policyd.yaml").symlink_to("guardrails/../.again/./policyd.yaml")
    repository.commit({}, "inside")
    (root / "guardrails/labels.yaml").unlink()
    (root / "guardrails/labels.yaml").symlink_to("../../README.md")
    (root / "guardrails/roles.yaml").unlink()
    (root / "guardrails/roles.yaml").symlink_to("/etc/passwd")
    (root / "guardrails/access.yaml").unlink()
    (root / "guardrails/access.yaml").symlink_to("nowhere")
    (root / "guardrails/calendar.yaml").unlink()
    (root / "guardrails/calendar.yaml").symlink_to("calendar.yaml")
    (root / "guardrails/systems.yaml").unlink()
    (root / "guardrails/systems.yaml").symlink_to("model.conf/x")
    (root / "units/law").symlink_to("hr", target_is_directory=True)
    (root / "odd").symlink_to("units", target_is_directory=True)
    (root / "tests/more_test.yaml").symlink_to("/etc/passwd")
    repository.commit({}, "outside")

    assert codes(at_revision(root, "HEAD~")) == []
    there, here = at_revision(root, "HEAD"), at_folder(root)
    assert codes(there) == codes(here)
    assert {each.file for each in there.unreadable} == {
        *(f"guardrails/{name}.yaml" for name in ("access", "calendar", "labels", "roles")),
        "guardrails/systems.yaml",
        "units/law",
    }
    assert there.unreadable_suites == here.unreadable_suites
    assert [each.file for each in here.unreadable_suites] == ["tests/more_test.yaml", "units/law"]


def test_a_link_that_is_no_path(repository: Repository, root: Path) -> None:
    """A link of megabytes leads nowhere."""
    huge = repository.folder / "huge"
    huge.write_bytes(b"x/" * 5000)
    blob = repository.git("hash-object", "-w", "huge").strip()
    huge.unlink()
    repository.git("update-index", "--cacheinfo", f"120000,{blob},policies/policyd.yaml")
    repository.git("commit", "-q", "-m", "x")
    assert codes(at_revision(root, "HEAD")) == ["policyd.yaml unreadable-file"]


def test_submodules_are_refused(repository: Repository, root: Path, tmp_path: Path) -> None:
    """What the commit does not have cannot be judged, and is not passed over."""
    other = Repository(tmp_path / "other")
    shutil.copytree(MINIMAL / "units/hr", other.folder, dirs_exist_ok=True)
    other.commit({})
    for name in ("units/law", "src", "tests/theirs"):
        repository.git("submodule", "add", "-q", str(other.folder), f"policies/{name}")
    (root / "units/hr/unit.yaml").unlink()
    (root / "units/hr/unit.yaml").symlink_to("../law/unit.yaml")
    repository.commit({})

    assert codes(at_revision(root, "HEAD")) == [
        "src/ unexpected-file",
        "units/hr/unit.yaml unreadable-file",
        "units/law unreadable-file",
    ]


def test_large_files_are_not_read(repository: Repository, root: Path) -> None:
    """Ten megabytes are refused as they are on disk, wherever they decide something."""
    (root / "policyd.yaml").write_bytes(b"#" * 10_000_000)
    repository.commit(
        {"policies/notes.md": b"x" * 10_000_000, f"policies/{SUITE}": b"#" * (3 << 20)}
    )
    there, here = at_revision(root, "HEAD"), at_folder(root)
    assert codes(there) == codes(here) == ["policyd.yaml file-too-large"]
    assert len(there.suites[SUITE]) == len(here.suites[SUITE])


def test_a_folder_of_too_many_files(repository: Repository, root: Path) -> None:
    """A whole repository by mistake ends with what to name in its place."""
    blob = repository.git("hash-object", "-w", "--stdin").strip()
    lines = "".join(f"100644 blob {blob}\t{n:06}\n" for n in range(MAX_ENTRIES + 1))
    tree = repository.git("mktree", told=lines).strip()
    above = repository.git("mktree", told=f"040000 tree {tree}\tpolicies\n").strip()
    repository.git("update-ref", "HEAD", repository.git("commit-tree", above, "-m", "x").strip())
    assert refused(root, "HEAD").code == "tree-too-large"


def test_names_that_are_no_text(repository: Repository, root: Path) -> None:
    """They are findings as on disk, written so that a terminal can show them."""
    for name in (b"guardrails/\xff.yaml", "units/größe/unit.yaml".encode(), b"a\nb.yaml"):
        path = os.fsencode(root) + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - no bytes
        with open(path, "wb"):  # noqa: PTH123 - a path has no bytes
            pass
    repository.commit({})
    there, here = at_revision(root, "HEAD"), at_folder(root)
    assert codes(there) == codes(here)
    assert "guardrails/\\udcff.yaml unexpected-file" in codes(there)
    names = [each.path for each in between(root, "HEAD~..HEAD").changed]
    assert names == ["a\\nb.yaml", "guardrails/\\udcff.yaml", "units/größe/unit.yaml"]


def test_a_whole_repository_by_mistake(repository: Repository) -> None:
    """Only folders of a tree are opened, whatever else is committed."""
    repository.commit({"src/deep/policyd.yaml": "x", "units/hr/old/x": "y"})
    there, here = at_revision(repository.folder, "HEAD"), at_folder(repository.folder)
    assert there.files == here.files
    assert {"src/", "policies/", "units/hr/old/"} <= set(there.files)


def test_the_repository_runs_nothing(repository: Repository, root: Path, tmp_path: Path) -> None:
    """Its monitors, hooks, filters and replaced objects are not asked."""
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    for name in ("core.fsmonitor", "filter.x.smudge", "diff.external", "diff.x.textconv"):
        repository.git("config", name, str(program))
    for name in ("core.pager", "core.sshCommand", "diff.x.command", "core.alternateRefsCommand"):
        repository.git("config", name, str(program))
    first = repository.git("rev-parse", "HEAD").strip()
    second = repository.commit({"policies/.gitattributes": "* filter=x diff=x\n"})
    ran.unlink(missing_ok=True)
    repository.git("replace", second, first)

    assert between(root, f"{first}..{second}").changed == (Changed(".gitattributes", "added"),)
    assert not ran.exists()


def test_the_callers_git_settings_do_not_lead_elsewhere(root: Path, tmp_path: Path) -> None:
    """Run inside a hook, git is told of another repository; the folder's own is read."""
    script = (
        "import sys; from pathlib import Path; from policyd.review.revisions import at_revision\n"
        "print(len(at_revision(Path(sys.argv[1]), 'HEAD').files))"
    )
    here = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'audit'}"}
    lies = {"GIT_DIR": str(tmp_path), "GIT_INDEX_FILE": "/x", "GIT_OBJECT_DIRECTORY": "/x"}
    found = [
        subprocess.run(
            [sys.executable, "-c", script, str(root)],
            env=here | more,
            capture_output=True,
            text=True,
            check=False,
        )
        for more in ({}, lies, {"PATH": str(tmp_path)})
    ]
    assert found[0].stdout == found[1].stdout == f"{len(at_folder(root).files)}\n"
    assert "there is no `git`" in found[2].stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder to another user")
def test_a_repository_of_another_user(
    repository: Repository, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git does not trust it; where its user told it to, policyd does the same."""
    os.chown(repository.folder, 4711, 4711)
    os.chown(repository.folder / ".git", 4711, 4711)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert refused(root, "HEAD").code == "repository-of-others"
    (tmp_path / ".gitconfig").write_text(f"[safe]\n  directory = {repository.folder}\n")
    assert codes(at_revision(root, "HEAD")) == []


def test_two_folders(root: Path, tmp_path: Path) -> None:
    """Versions from anywhere make a pair; a folder that is none is named."""
    other = Path(shutil.copytree(root, tmp_path / "other"))
    (other / SUITE).write_text("suite: Theirs\n")
    (other / "README.md").write_text("not read")
    pair = of(at_folder(root), at_folder(other))
    assert pair.changed == (Changed(SUITE, "changed"),)
    with pytest.raises(UsageError) as found:
        at_folder(tmp_path / "none")
    assert found.value.code == "no-folder"


def test_suites_are_read_where_they_count(root: Path) -> None:
    """A folder named like a suite, and a file named like their folder, are none."""
    (root / "tests/odd_test.yaml").mkdir()
    (root / "units/hr/tests").write_text("no folder")
    assert folder.read(root, layout.SUITES)[1] == []
    assert [*at_folder(root).suites] == [SUITE]
