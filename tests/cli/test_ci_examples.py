"""The CI examples in `docs/ci`: their commands are run, as a runner would run them."""

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.program import POLICIES, ROOT
from tests.repositories import Repository

CI = ROOT / "docs" / "ci"
PROGRAMS = {
    "policyd": f'exec {sys.executable} -m policyd "$@"',
    "pip": 'echo "pip $*" >> "$CALLED"',
    # As `gh api`: the first question finds no comment, later ones find the one that was made.
    "gh": (
        'echo "gh $*" >> "$CALLED"\n'
        'case "$*" in *--jq*) test -e "$CALLED.made" && echo 42 || true;;'
        ' *) touch "$CALLED.made";; esac'
    ),
}
BAD_TEST = """\
suite: Theirs
now: 2026-03-02T09:00:00+01:00
tests:
  - it: is not so
    try: {who: hr/pay-run, read: payroll/payslips, rows: 1}
    expect: deny
"""


@dataclass(slots=True)
class Runner:
    """A clone with a change, and what a runner would set."""

    folder: Path
    called: Path
    base: str
    head: str

    def run(self, script: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run one step."""
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],  # noqa: S607 - a runner's shell
            cwd=self.folder,
            env={
                "PATH": f"{self.called.parent / 'bin'}:{os.environ['PATH']}",
                "PYTHONPATH": f"{ROOT}:{ROOT / 'audit'}",
                "LANG": "C.UTF-8",
                "CALLED": str(self.called),
                "GITHUB_STEP_SUMMARY": str(self.called.parent / "summary.md"),
                "CI_MERGE_REQUEST_DIFF_BASE_SHA": self.base,
                "CI_COMMIT_SHA": self.head,
            }
            | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """The sample company in a repository; a branch lists a host."""
    made = Repository(tmp_path / "repository")
    shutil.copytree(POLICIES, made.folder / "policies")
    base = made.commit({})
    made.git("checkout", "-q", "-b", "change")
    name = "policies/guardrails/destinations.yaml"
    hosts = "hosts: [api.lettermill.example"
    text = (made.folder / name).read_text().replace(hosts, f"{hosts}, eu.lettermill.example")
    head = made.commit({name: text})
    assert made.git("diff", "--stat", base, head)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/bash\n{script}\n")
        (programs / name).chmod(stat.S_IRWXU)
    return Runner(made.folder, tmp_path / "called", base, head)


def steps() -> dict[str, Mapping[str, Any]]:
    """The steps of the GitHub example that a shell runs, by name."""
    (job,) = yaml.safe_load((CI / "github-actions.yml").read_text())["jobs"].values()
    own = {"env": job["env"]}
    return {
        s["name"]: {"env": own["env"] | s.get("env", {})} | s for s in job["steps"] if "run" in s
    }


def on_github(runner: Runner, name: str) -> "subprocess.CompletedProcess[str]":
    """Run a step of the GitHub example on a pull request."""
    known = {
        "github.event.pull_request.base.sha": runner.base,
        "github.event.pull_request.head.sha": runner.head,
        "github.event.pull_request.number": "7",
        "github.repository": "halmfeld/policies",
        "github.token": "t",
    }
    step = steps()[name]
    env = dict(steps()["Lint"]["env"]) | dict(step["env"])
    filled = {
        key: re.sub(r"\$\{\{ *([^ ]+) *\}\}", lambda found: known[found[1]], value)
        for key, value in env.items()
    }
    return runner.run(step["run"], **filled)


def test_github(runner: Runner) -> None:
    """Every step runs; the review is in the summary, in one comment, and good for a test."""
    for name in steps():
        done = on_github(runner, name)
        assert done.returncode == 0, (name, done.stdout, done.stderr)
    summary = (runner.called.parent / "summary.md").read_text()
    assert summary.startswith("<!-- policyd:review")
    assert summary == (runner.folder / "review.md").read_text()
    assert (runner.folder / "review.json").read_text().startswith("{")

    case = runner.run("policyd test policies --from-witness 1 review.json")
    suite = runner.folder / "policies/tests/zones_test.yaml"
    suite.write_text(suite.read_text() + case.stdout)
    kept = runner.run("policyd test policies --file tests/zones_test.yaml")
    assert (case.returncode, kept.returncode) == (0, 0), (case.stderr, kept.stdout)
    assert "5 tests: 5 passed" in kept.stdout

    on_github(runner, "Comment")
    lines = runner.called.read_text().splitlines()
    comments = "repos/halmfeld/policies/issues/7/comments"
    assert lines[0] == "pip install policyd"
    assert [each for each in lines if "--jq" not in each][1:] == [
        f"gh api --silent {comments} -F body=@review.md",
        "gh api --silent -X PATCH repos/halmfeld/policies/issues/comments/42 -F body=@review.md",
    ]


@pytest.mark.slow
def test_github_of_a_change_that_breaks_a_test(runner: Runner) -> None:
    """The failure stands on its line; the review is written, and red, too."""
    (runner.folder / "policies/tests/theirs_test.yaml").write_text(BAD_TEST)
    for command in (
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], cwd=runner.folder, check=True)  # noqa: S607 - as above
    runner.head = "HEAD"

    tested, reviewed = on_github(runner, "Test"), on_github(runner, "Review")

    assert (tested.returncode, reviewed.returncode) == (1, 1)
    assert "::error file=policies/tests/theirs_test.yaml,line=4,col=5," in tested.stdout
    assert "test" in (runner.called.parent / "summary.md").read_text()


def on_gitlab(runner: Runner) -> "subprocess.CompletedProcess[str]":
    """Run the GitLab example: its lines are one script."""
    job = yaml.safe_load((CI / "gitlab-ci.yml").read_text())["policies"]
    return runner.run("\n".join([*job["before_script"], *job["script"]]))


def test_gitlab(runner: Runner) -> None:
    """The reports that it names are there."""
    done = on_gitlab(runner)

    assert done.returncode == 0, (done.stdout, done.stderr)
    job = yaml.safe_load((CI / "gitlab-ci.yml").read_text())["policies"]
    for name in (*job["artifacts"]["paths"], *job["artifacts"]["reports"]["junit"]):
        assert (runner.folder / name).stat().st_size, name


@pytest.mark.slow
def test_gitlab_of_a_change_that_breaks_a_test(runner: Runner) -> None:
    """Everything is written all the same, and the job is red."""
    (runner.folder / "policies/tests/theirs_test.yaml").write_text(BAD_TEST)
    assert on_gitlab(runner).returncode == 1
    assert (runner.folder / "tests.xml").read_text().count("<failure") == 1
    assert (runner.folder / "review.md").stat().st_size


def test_a_shallow_clone_says_what_to_set(runner: Runner) -> None:
    """Whoever leaves out the depth reads which line of the CI file is missing."""
    url = f"file://{runner.folder}"
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", "-b", "change", url, "shallow"],  # noqa: S607 - as above
        cwd=runner.folder.parent,
        check=True,
    )
    runner.folder = runner.folder.parent / "shallow"
    done = on_github(runner, "Review")
    assert done.returncode == 2
    assert "fetch-depth: 0" in done.stderr
