"""The page for auditors says what its commands print."""

import re
from pathlib import Path

import pytest

from tests import audit_page
from tests.cli.program import ROOT

PAGE = (ROOT / "docs" / "audit.md").read_text("utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample log."""
    made = tmp_path_factory.mktemp("page")
    audit_page.prepare(made)
    return made


def test_the_page_says_what_is_printed(folder: Path) -> None:
    """`./run docs` would change nothing."""
    assert audit_page.filled(PAGE, folder) == PAGE


def test_a_false_answer_is_found(folder: Path) -> None:
    """One word changed below a command, and the page is not what is printed."""
    assert audit_page.filled(PAGE.replace("signature  good", "signature  bad"), folder) == PAGE


def test_there_are_ten_questions_with_answers() -> None:
    """Each asks, says what makes auditors ask, and shows a command."""
    parts = re.split(r"^## (?=[0-9]+\. )", PAGE, flags=re.MULTILINE)[1:]
    assert [part.partition(".")[0] for part in parts] == [str(each) for each in range(1, 11)]
    for part in parts:
        assert part.splitlines()[0].endswith("?")
        assert re.search(r"PCI DSS [0-9.]+|ISO A\.[58]\.[0-9]+|NIS2 Art\.|GDPR Art\.", part)
        assert "```console\n$ policyd" in part


def test_a_command_that_fails_is_no_answer(folder: Path) -> None:
    """The page is not made of it."""
    with pytest.raises(RuntimeError, match="ended with 2"):
        audit_page.filled("```console\n$ policyd audit run nonsense\n```\n", folder)
