"""Cursors: read back as they were written, by this server, for this question; nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyd.model.errors import QuestionRefused
from policyd.points.cursors import LONGEST, Cursor, Cursors, digest

OURS = Cursors(b"s" * 32)
QUESTION = digest("decision:deny", {"order": "newest"})
CURSOR = Cursor(QUESTION, 2**40, "2026-03-01T12:00:00.000000Z", 2**39)


def test_a_cursor_is_read_back() -> None:
    """With all that it holds, and also where it stands at the beginning."""
    for each in (CURSOR, Cursor(QUESTION, 0, CURSOR.now)):
        text = OURS.write(each)
        assert OURS.read(text, QUESTION) == each
        assert len(text) <= LONGEST


@pytest.mark.parametrize("at", range(len(OURS.write(CURSOR))))
def test_no_letter_of_it_can_be_changed(at: int) -> None:
    """A forged cursor is refused, wherever it was forged."""
    text = OURS.write(CURSOR)
    forged = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
    with pytest.raises(QuestionRefused) as refused:
        OURS.read(forged, QUESTION)
    assert refused.value.code == "cursor-invalid"


@given(text=st.text(max_size=300))
def test_whatever_else_is_no_cursor(text: str) -> None:
    """Any text gets the same refusal."""
    with pytest.raises(QuestionRefused) as refused:
        OURS.read(text, QUESTION)
    assert refused.value.code == "cursor-invalid"


@pytest.mark.parametrize("tail", ["=", "==", "\n", " ", "A", "AAAA", "=A"])
def test_there_is_one_spelling(tail: str) -> None:
    """What base64 would overlook behind the end makes it another text, and no cursor."""
    with pytest.raises(QuestionRefused):
        OURS.read(OURS.write(CURSOR) + tail, QUESTION)


def test_another_server_s_cursor() -> None:
    """One that was signed with another secret is refused."""
    with pytest.raises(QuestionRefused) as refused:
        OURS.read(Cursors(b"t" * 32).write(CURSOR), QUESTION)
    assert refused.value.code == "cursor-invalid"


def test_another_question_s_cursor() -> None:
    """A good one that belongs to another question is refused with a code of its own."""
    with pytest.raises(QuestionRefused) as refused:
        OURS.read(OURS.write(CURSOR), digest("decision:allow", {"order": "newest"}))
    assert refused.value.code == "cursor-of-another-query"
