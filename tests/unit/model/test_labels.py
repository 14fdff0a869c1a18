"""Labels: their order, their words, and what a misspelt word counts as."""

import pytest

from policyd.model.labels import Label, Treatment, Vocabulary

WORDS = Vocabulary(("public", "internal", "restricted"), frozenset({"personal", "health"}))

NAMED = [
    ((), Label(0, frozenset())),
    (("internal",), Label(1, frozenset())),
    (("internal", "public"), Label(1, frozenset())),
    (("health", "restricted", "health"), Label(2, frozenset({"health"}))),
    (("personal",), Label(0, frozenset({"personal"}))),
    (("secret",), Label(2, frozenset({"personal", "health"}))),
    (("public", "Internal"), Label(2, frozenset({"personal", "health"}))),
    (("",), Label(2, frozenset({"personal", "health"}))),
]


@pytest.mark.parametrize(("words", "expected"), NAMED)
def test_words_name_a_label(words: tuple[str, ...], expected: Label) -> None:
    """The highest level and all categories count; a word nobody knows counts as the worst."""
    assert WORDS.label(words) == expected


def test_a_label_is_written_as_in_policy_files() -> None:
    """The level stands first, categories follow in order, and reading it gives the label."""
    assert WORDS.words(WORDS.worst) == ("restricted", "health", "personal")
    assert WORDS.words(Label(0, frozenset())) == ("public",)
    assert WORDS.label(WORDS.words(Label(1, frozenset({"health"})))) == Label(
        1, frozenset({"health"})
    )


@pytest.mark.parametrize("treatment", Treatment)
def test_treatments_have_words(treatment: Treatment) -> None:
    """A treatment is found by the word that files and obligations use."""
    assert Treatment.of(treatment.word) is treatment


def test_treatments_are_in_order() -> None:
    """From mild to strict: pass, mask, tokenise, drop-fields, never."""
    words = [each.word for each in sorted(Treatment)]
    assert words == ["pass", "mask", "tokenise", "drop-fields", "never"]
    with pytest.raises(KeyError):
        Treatment.of("remove")
