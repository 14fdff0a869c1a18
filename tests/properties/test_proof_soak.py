"""The soak of the proof: it says what it did."""

import pytest

from tests.properties.proof_soak import main

Output = pytest.CaptureFixture[str]


def test_a_clean_run(capsys: Output) -> None:
    """Seed and counts are said, and the exit code is 0."""
    assert main(["--pairs", "12", "--seed", "7"], size=12) == 0
    printed, said = capsys.readouterr()
    assert said.startswith("soak: seed 7, 12 pairs\n")
    assert printed.startswith("seed 7: 12 pairs, ")
    assert printed.endswith(" 0 disagreements\n")


def test_a_disagreement_can_be_brought_back(capsys: Output) -> None:
    """The exit code is 1, and the command for the batch is said."""

    def always_wrong(*_: object) -> bool:
        return False

    assert main(["--pairs", "24", "--seed", "7"], size=12, is_found=always_wrong) == 1
    printed, said = capsys.readouterr()
    assert "disagrees: ./run soak proof --seed 7 --batch " in said
    assert not printed.endswith(" 0 disagreements\n")
