"""The columns by which rules are indexed: the keys a sentence asks for, and those a call has.

INVARIANT: a call that a sentence speaks about has one of its keys in every column. In the columns
WHO, DATA and TO the reverse holds too; what the others find is still tested, since which labels
and fields of a call count depends on what the rule does (`conditions`).
"""

from collections.abc import Callable
from typing import NamedTuple

from policyd.engine.conditions import OF_SEND
from policyd.engine.resolve import Asked
from policyd.engine.rule_index import ANY, Keys
from policyd.model.rules import Sentence

UNLISTED = "-"  # no destination can have this name
WHO, DATA, TO = range(3)
_ANY = (ANY,)


class Column(NamedTuple):
    """How rules, each for one action, and calls are keyed by one word of a sentence."""

    of_rule: Callable[[Sentence, str], Keys]
    of_call: Callable[["Question"], Keys]


class Question:
    """A call that is looked up, with its keys as far as they were needed."""

    __slots__ = ("_keys", "asked", "names")

    def __init__(self, asked: Asked, names: frozenset[str]) -> None:
        """The call of a subject that answers to *names*."""
        self.asked = asked
        self.names = names
        self._keys: list[Keys | None] = [None] * len(COLUMNS)

    def keys(self, column: int) -> Keys:
        """The keys of the call in a column."""
        found = self._keys[column]
        if found is None:
            found = self._keys[column] = COLUMNS[column].of_call(self)
        return found


def place_of(asked: Asked) -> str:
    """The name of the destination that a call contacts."""
    place = asked.endpoint.destination
    return place.name if place else UNLISTED


def covering(name: str) -> Keys:
    """Patterns that cover a dataset.

    >>> covering("erp/stock")
    ['*', 'erp/stock', 'erp/*']
    """
    keys, slash = [ANY, name], name.find("/")
    while slash >= 0:
        keys.append(f"{name[: slash + 1]}*")
        slash = name.find("/", slash + 1)
    return keys


def _first_field(question: Question) -> Keys:
    """One field of the call: a rule about certain fields only is about that one too."""
    return _with(next(iter(question.asked.marks)))


def _with(*keys: str | None) -> Keys:
    return (ANY, *(each for each in keys if each is not None))


def _narrowing(word: str, of_call: Callable[[Question], Keys]) -> Column:
    """The column of a word that narrows; the words of a send pass other actions by."""

    def of_rule(says: Sentence, action: str) -> Keys:
        value = getattr(says, word)
        if not value or (word in OF_SEND and action != "send"):
            return _ANY
        return (value,) if isinstance(value, str) else value

    return Column(of_rule, of_call)


COLUMNS = (
    Column(lambda says, _: says.who, lambda question: tuple(question.names)),
    Column(
        lambda says, action: says.data[action],
        lambda question: covering(question.asked.call.resource.id),
    ),
    _narrowing("to", lambda question: (ANY, place_of(question.asked))),
    _narrowing("to_zone", lambda question: (ANY, question.asked.zone.name)),
    _narrowing("category", lambda question: (ANY, *question.asked.label.categories)),
    _narrowing("only_fields", _first_field),
    _narrowing("during", lambda question: (ANY, *question.asked.windows)),
    _narrowing(
        "stage",
        lambda question: _with(who.stage if (who := question.asked.integration) else None),
    ),
    _narrowing("in_systems_of", lambda question: _with(question.asked.system_kind)),
    _narrowing("to_systems_of", lambda question: _with(question.asked.endpoint.kind)),
)
"""In the order in which one is preferred that parts no better than another."""
