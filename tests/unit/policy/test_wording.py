"""Messages quote briefly and suggest what is near."""

import pytest

from policyd.policy.wording import did_you_mean, nearest, quoted


@pytest.mark.parametrize(
    ("word", "known", "words"),
    [
        ("forbidd", ["forbid", "ceiling"], "; did you mean `forbid`?"),
        ("xyz", ["read", "send"], "; use read, send"),
        ("xyz", [], ""),
        ("xyz", list("abcdefghi"), ""),
    ],
)
def test_a_near_word_is_suggested_or_else_a_short_list(
    word: str, known: list[str], words: str
) -> None:
    """Nobody has to read a hundred names for one that is misspelt."""
    assert did_you_mean(word, known) == words


def test_among_many_words_only_those_with_the_same_beginning_are_compared() -> None:
    """A broken file is refused as fast as a small one."""
    many = [f"{letter}{number:03}" for letter in "ab" for number in range(400)]
    assert nearest("b0012", many) == "; did you mean `b012`?"
    assert nearest("xa001", many) == ""


def test_a_quotation_is_one_short_line() -> None:
    """A message stays one line, whatever it quotes."""
    assert quoted("a\n  b") == "`a b`"
    assert quoted("x" * 1000) == f"`{'x' * 60}…`"
