"""Trying a URL on the destinations of policy files."""

import json
from pathlib import Path

import pytest

from policyd.cli.main import main

POLICIES = str(Path(__file__).parents[3] / "policies")


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        (
            "https://user@crm.example/",
            1,
            "it has a user name or password before `@` [endpoint-unreadable]",
        ),
        ("https://erp.halmfeld.example./odata/x", 0, "listed as erp"),
        ("https://erp.halmfeld.example/admin", 1, "near: erp, but for its path (/odata/*)"),
        ("https://nowhere.test/", 1, "is on no list"),
    ],
)
def test_says_what_becomes_of_a_url(
    url: str, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A URL that is refused or not listed is told so in words, and by the exit code."""
    assert main(["destinations", "match", url, "--policies", POLICIES]) == code
    assert words in capsys.readouterr().out


def test_a_program_reads_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON it has the one spelling of the URL, and no decision that it could be taken for."""
    sent = ["destinations", "match", "HTTPS://Nowhere.TEST:443", "--policies", POLICIES, "--json"]
    assert main(sent) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["url"], shown["destination"]) == ("https://nowhere.test/", None)
    assert "decision" not in shown


def test_needs_a_folder(tmp_path: Path) -> None:
    """A folder that is not there is a mistake of the caller."""
    where = str(tmp_path / "nowhere")
    assert main(["destinations", "match", "https://crm.example/", "--policies", where]) == 2
