"""`docs/policy-tests.md`: its suites are run, and what it shows of a failure is what is printed."""

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.program import POLICIES, ROOT, Program

PAGE = (ROOT / "docs" / "policy-tests.md").read_text("utf-8")
SUITES = re.findall(r"^```yaml( fails)?\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample company with the suites of the page, in place of its own."""
    root = Path(shutil.copytree(POLICIES, tmp_path_factory.mktemp("page") / "tree"))
    shutil.rmtree(root / "tests")
    (root / "tests").mkdir()
    for number, (fails, text) in enumerate(SUITES):
        (root / f"tests/{'bad' if fails else 'good'}_{number}_test.yaml").write_text(text)
    return root


def test_the_suites_hold(policyd: Program, tree: Path) -> None:
    """Whoever copies one has a test that passes."""
    files = [part for each in tree.glob("tests/good_*") for part in ("--file", each)]
    ended = policyd("test", tree, *files)
    assert (ended.code, len(files)) == (0, 4)
    assert ended.out.endswith("7 tests: 7 passed, 0 failed\n")


def test_a_failure_looks_as_shown(policyd: Program, tree: Path) -> None:
    """Each line of the page is printed, but for places in files."""
    shown = PAGE.partition("  FAIL ")[2].partition("```")[0]
    (file,) = tree.glob("tests/bad_*")
    ended = policyd("test", tree, "--file", file)
    assert ended.code == 1
    for line in f"  FAIL {shown}".splitlines():
        assert line.rstrip() in ended.out
