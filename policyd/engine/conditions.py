"""The conditions of a sentence: written as one line of text for casbin, read back as a test.

A condition is a conjunction of `word=value|value`, or `-` where there is none.
"""

from collections.abc import Callable

from policyd.engine.resolve import Asked
from policyd.model.labels import Vocabulary
from policyd.model.rules import Sentence

NONE = "-"
Test = Callable[[Asked], bool]
# Words that speak about the place of a send; in the same rule other actions pass them by.
_OF_SEND = frozenset({"to_zone", "to_systems_of"})
_ONE = ("stage", "in_systems_of", "label_at_least", "label_at_most", "to_systems_of")
_MANY = ("category", "only_fields", "to_zone", "during", "outside")


def condition(sentence: Sentence, action: str) -> str:
    """The conditions *sentence* puts on *action*, as text, or `-`.

    >>> says = Sentence(data={}, who=(), stage="sandbox", category=("health", "personal"))
    >>> condition(says, "read")
    'stage=sandbox category=health|personal'
    """
    says = [(word, getattr(sentence, word)) for word in (*_ONE, *_MANY)]
    parts = [
        f"{word}={value if isinstance(value, str) else '|'.join(value)}"
        for word, value in says
        if value and (action == "send" or word not in _OF_SEND)
    ]
    return " ".join(parts) or NONE


def compile_condition(text: str, vocabulary: Vocabulary) -> Test:
    """The test that *text*, made by `condition`, puts to a call."""
    if text == NONE:
        return lambda _: True
    tests = [_test(part, vocabulary) for part in text.split(" ")]
    return lambda asked: all(test(asked) for test in tests)


def _test(part: str, vocabulary: Vocabulary) -> Test:
    word, _, value = part.partition("=")
    if word in {"label_at_least", "label_at_most"}:
        return _level(word, vocabulary.levels.index(value))
    names = frozenset(value.split("|"))
    return _TESTS[word](names)


def _level(word: str, rank: int) -> Test:
    if word == "label_at_least":
        return lambda asked: asked.label.rank >= rank
    return lambda asked: asked.label.rank <= rank


def _only_fields(names: frozenset[str]) -> Test:
    """The call names fields, and no other ones; a call that names none is about them all."""
    return lambda asked: asked.marks.keys() <= names


_TESTS: dict[str, Callable[[frozenset[str]], Test]] = {
    "stage": lambda names: (
        lambda asked: bool(asked.integration and asked.integration.stage in names)
    ),
    "in_systems_of": lambda names: lambda asked: asked.system_kind in names,
    "to_systems_of": lambda names: lambda asked: asked.endpoint.kind in names,
    "category": lambda names: lambda asked: not names.isdisjoint(asked.label.categories),
    "only_fields": _only_fields,
    "to_zone": lambda names: lambda asked: asked.zone.name in names,
    "during": lambda names: lambda asked: not names.isdisjoint(asked.windows),
    "outside": lambda names: lambda asked: names.isdisjoint(asked.windows),
}
