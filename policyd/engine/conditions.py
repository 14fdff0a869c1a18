"""The conditions of a sentence: written as one line of text for casbin, read back as a test.

A condition is a conjunction of `word=value|value`, or `-` where there is none.

INVARIANT: naming more fields or asserting a label never helps a call. So a forbid speaks about
a call if one of its fields is so, and a rule that covers only if all of them are; and labels that
the caller asserts are not seen where they would open something.
"""

from collections.abc import Callable, Sequence

from policyd.engine.resolve import Asked
from policyd.model.labels import Vocabulary
from policyd.model.rules import Section, Sentence

NONE = "-"
Test = Callable[[Asked], bool]
OF_SEND = frozenset({"to", "to_zone", "to_systems_of"})
"""Words that speak about the place of a send; in the same rule other actions pass them by."""
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
        if value and (action == "send" or word not in OF_SEND)
    ]
    return " ".join(parts) or NONE


def compile_condition(text: str, section: Section, vocabulary: Vocabulary) -> Test:
    """The test that *text*, made by `condition` for a rule of *section*, puts to a call."""
    parts = [] if text == NONE else text.split(" ")
    return all_of([_test(part, section, vocabulary) for part in parts])


def all_of(tests: Sequence[Test]) -> Test:
    """The test that holds where all of *tests* hold."""
    if len(tests) == 1:
        return tests[0]

    def holds(asked: Asked) -> bool:
        for test in tests:  # noqa: SIM110 - twice as fast as `all` with a generator
            if not test(asked):
                return False
        return True

    return holds


def _test(part: str, section: Section, vocabulary: Vocabulary) -> Test:
    word, _, value = part.partition("=")
    forbids = section not in {Section.CEILING, Section.ALLOW}
    if word == "label_at_least":
        return _at_least(vocabulary.levels.index(value), forbids=forbids)
    if word == "label_at_most":
        return _at_most(vocabulary.levels.index(value), forbids=forbids)
    names = frozenset(value.split("|"))
    return _category(names, forbids=forbids) if word == "category" else _TESTS[word](names)


def _at_least(rank: int, *, forbids: bool) -> Test:
    if forbids:
        return lambda asked: asked.label.rank >= rank
    return lambda asked: all(mark.rank >= rank for mark in asked.catalogued.values())


def _at_most(rank: int, *, forbids: bool) -> Test:
    if forbids:
        return lambda asked: any(mark.rank <= rank for mark in asked.catalogued.values())
    return lambda asked: asked.label.rank <= rank


def _category(names: frozenset[str], *, forbids: bool) -> Test:
    if forbids:
        return lambda asked: not names.isdisjoint(asked.label.categories)
    return lambda asked: (
        not any(names.isdisjoint(mark.categories) for mark in asked.catalogued.values())
    )


def _only_fields(names: frozenset[str]) -> Test:
    """The call names fields, and no other ones; a call that names none is about them all."""
    return lambda asked: asked.marks.keys() <= names


_TESTS: dict[str, Callable[[frozenset[str]], Test]] = {
    "stage": lambda names: (
        lambda asked: bool(asked.integration and asked.integration.stage in names)
    ),
    "in_systems_of": lambda names: lambda asked: asked.system_kind in names,
    "to_systems_of": lambda names: lambda asked: asked.endpoint.kind in names,
    "only_fields": _only_fields,
    "to_zone": lambda names: lambda asked: asked.zone.name in names,
    "during": lambda names: lambda asked: not names.isdisjoint(asked.windows),
    "outside": lambda names: lambda asked: names.isdisjoint(asked.windows),
}
