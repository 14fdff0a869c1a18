"""Labels: how sensitive data is, and of which kinds."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class Treatment(IntEnum):
    """What happens to a category of data at a zone's door, mild to strict.

    On one field the stricter wins: drop-fields beats tokenise beats mask.
    """

    PASS = 0
    MASK = 1
    TOKENISE = 2
    DROP_FIELDS = 3
    NEVER = 4

    @property
    def word(self) -> str:
        """The word policy files and obligations use: `drop-fields`."""
        return self.name.lower().replace("_", "-")

    @classmethod
    def of(cls, word: str) -> Self:
        """The treatment a policy file names.

        >>> Treatment.of("drop-fields").name
        'DROP_FIELDS'
        """
        return cls[word.upper().replace("-", "_")]


@dataclass(frozen=True, slots=True)
class Label:
    """A level, as its rank from the lowest (0), and a set of categories."""

    rank: int
    categories: frozenset[str]

    def joined(self, other: "Label") -> "Label":
        """The worst of two: the higher level and the categories of both."""
        if self.rank >= other.rank and self.categories >= other.categories:
            return self
        return Label(max(self.rank, other.rank), self.categories | other.categories)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The company's levels, lowest first, and its categories."""

    levels: tuple[str, ...]
    categories: frozenset[str]

    @property
    def worst(self) -> Label:
        """The highest level and every category: what unknown data counts as."""
        return Label(len(self.levels) - 1, self.categories)

    def label(self, words: Iterable[str]) -> Label:
        """The label that *words* name, such as `confidential personal`.

        A word that is neither level nor category makes it the worst label: a misspelt word must
        not make data milder.
        """
        rank, categories = 0, set()
        for word in words:
            if word in self.levels:
                rank = max(rank, self.levels.index(word))
            elif word in self.categories:
                categories.add(word)
            else:
                return self.worst
        return Label(rank, frozenset(categories))

    def words(self, label: Label) -> tuple[str, ...]:
        """The label as policy files write it: the level, then the categories in order."""
        return (self.levels[label.rank], *sorted(label.categories))
