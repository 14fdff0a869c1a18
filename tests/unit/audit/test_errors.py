"""The error tree."""

import pytest

from policyd_audit.errors import Contradiction, VerificationError, shown


def test_an_error_carries_code_message_and_place() -> None:
    """Scripts find code and place beside the message."""
    error = Contradiction("record-hash", "record 41: no", record=41)
    assert isinstance(error, VerificationError)
    assert (error.code, str(error), error.facts) == ("record-hash", "record 41: no", {"record": 41})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "`plain`"),
        ("a\nb\x1b[2J", "`a\\nb\\x1b[2J`"),
        ("\u202etxt \ud800", "`\\u202etxt \\ud800`"),
        ("x" * 80, "`" + "x" * 80 + "`"),
        ("x" * 81, "`" + "x" * 80 + "...`"),
    ],
)
def test_input_in_messages_cannot_play_tricks(text: str, expected: str) -> None:
    """What evidence contains is shown on one line, printable and short."""
    assert shown(text) == expected
