"""What a call may say of a dataset: which fields it names, and which labels it asserts.

Fields that no rule tells apart are one kind. A saying is a set of kinds with the words asserted; a
set of sayings is an int with one bit for each, so that what rules say of them is a few operations
on large numbers. None of the kinds named means no field named: the call is about the whole dataset.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple, TypeVar

from policyd.model.labels import Label, Vocabulary
from policyd.model.rules import Section, Sentence
from policyd.model.snapshot import Snapshot

MAX_BITS = 1 << 18
"""Sayings of one dataset that are looked at; beyond, nothing is proved of it."""
Sides = tuple[Snapshot, Snapshot]
Words = tuple[str, ...]
Made = TypeVar("Made")


class TooMany(Exception):
    """More cases than the proof looks at; its text says of what."""


def assertions(vocabularies: Iterable[Vocabulary]) -> tuple[Words, ...]:
    """One way to assert each label of the *vocabularies*, the mildest first, nothing at all.

    A word that none of them has is last; it stands for the worst label everywhere.
    """
    known = list(vocabularies)
    levels = dict.fromkeys(level for each in known for level in each.levels)
    categories = sorted({name for each in known for name in each.categories})
    lowest = known[0].levels[0] if len({each.levels for each in known}) == 1 else None
    return (
        *(
            (*((level,) if level else ()), *some)
            for size in range(len(categories) + 1)
            for some in combinations(categories, size)
            for level in (None, *(each for each in levels if each != lowest))
        ),
        ("/",),
    )


class Kind(NamedTuple):
    """Fields of a dataset that are alike to both snapshots."""

    names: Words
    labels: tuple[Label, Label]  # by side
    lists: frozenset[frozenset[str]]  # the lists of `only_fields` that they are on


def sayings_of(
    sides: Sides, data: str, lists: Iterable[frozenset[str]], said: Sequence[Words]
) -> "Sayings":
    """What calls may say of *data*, where rules have *lists* of `only_fields` about it."""
    known, lists = [side.datasets.get(data) for side in sides], sorted(set(lists), key=sorted)
    wholes = whole_labels(sides, data)
    mentioned = {name for each in known if each for name in each.fields}
    mentioned = mentioned.union(*lists)
    fresh = next(name for n in range(len(mentioned) + 1) if (name := f"field_{n}") not in mentioned)
    found: dict[tuple[Label, Label, frozenset[frozenset[str]]], list[str]] = {}
    for name in (*sorted(mentioned), fresh):
        one, two = (
            each.fields.get(name, whole) if each else whole
            for each, whole in zip(known, wholes, strict=True)
        )
        on = frozenset(each for each in lists if name in each)
        found.setdefault((one, two, on), []).append(name)
    kinds = [Kind(tuple(names), (one, two), on) for (one, two, on), names in found.items()]
    return Sayings(kinds, wholes, said, fresh)


def whole_labels(sides: Sides, data: str) -> tuple[Label, Label]:
    """The label of a dataset as a whole, by side."""
    one, two = (
        known.label if (known := side.datasets.get(data)) else side.vocabulary.worst
        for side in sides
    )
    return one, two


class Part(NamedTuple):
    """Sayings about one thing with one label: the fields of a kind, or a dataset as a whole."""

    bits: int
    label: Label
    kind: int | None  # None: the whole


class Sayings:
    """Everything a call may say of one dataset, and its sets."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        wholes: tuple[Label, Label],
        said: Sequence[Words],
        fresh: str = "",
    ) -> None:
        self.kinds, self.said, self._wholes = kinds, said, wholes
        self.fresh = fresh
        self._size, self._sets = len(said), 1 << len(kinds)
        if self._size * self._sets > MAX_BITS:
            raise TooMany(f"{len(kinds)} kinds of fields")
        block = (1 << self._size) - 1
        self._ones = sum(1 << (each * self._size) for each in range(self._sets))
        self.all = block * self._ones
        self.whole = block
        self._has = [
            sum(block << (each * self._size) for each in range(self._sets) if each >> index & 1)
            for index in range(len(kinds))
        ]

    def parts(self, side: int) -> list[Part]:
        """What a call may be about, as the snapshot of *side* labels it."""
        named = [
            Part(bits, kind.labels[side], index)
            for index, (bits, kind) in enumerate(zip(self._has, self.kinds, strict=True))
        ]
        return [Part(self.whole, self._wholes[side], None), *named]

    def where(self, held: Iterable[bool]) -> int:
        """The sayings that assert words for which *held*, one for each way to assert, is true."""
        return sum(1 << index for index, each in enumerate(held) if each) * self._ones

    def naming(self, kinds: Iterable[int]) -> int:
        """The sayings that name fields, and fields of *kinds* only."""
        outside = self.whole
        for index in set(range(len(self.kinds))).difference(kinds):
            outside |= self._has[index]
        return self.all & ~outside

    def first(self, bits: int) -> tuple[Words, Words]:
        """Fields and labels of the saying in *bits* that names and asserts least."""
        index = (bits & -bits).bit_length() - 1
        return self._fields(index), self.said[index % self._size]

    def __iter__(self) -> Iterator[tuple[int, Words, Words]]:
        """Every saying: its bit, its fields, its labels."""
        for index in range(self._size * self._sets):
            yield 1 << index, self._fields(index), self.said[index % self._size]

    def _fields(self, index: int) -> Words:
        chosen = index // self._size
        return tuple(each.names[0] for n, each in enumerate(self.kinds) if chosen >> n & 1)

    def sets(self, bits: int) -> list[tuple[int, int]]:
        """The sets of kinds in *bits*, each with those ways to assert that are in it."""
        block = (1 << self._size) - 1
        found = ((each, bits >> (each * self._size) & block) for each in range(self._sets))
        return [each for each in found if each[1]]


class View:
    """Sayings as one snapshot labels them: what the conditions of a rule hold for."""

    def __init__(
        self,
        sayings: Sayings,
        vocabulary: Vocabulary,
        asserted: Sequence[Label],
        parts: Sequence[Part],
    ) -> None:
        """What can be said as *vocabulary* understands it; *asserted* has each of `said` so."""
        self.sayings, self.parts = sayings, parts
        self._levels = vocabulary.levels
        self._asserted = asserted
        self._memo: dict[object, Any] = {}

    def raised(self, rank: int) -> int:
        """The sayings that assert a level of *rank* at least."""
        return self.once(
            ("rank", rank),
            lambda: self.sayings.where(each.rank >= rank for each in self._asserted),
        )

    def asserting(self, category: str) -> int:
        """The sayings that assert *category*."""
        return self.once(
            category,
            lambda: self.sayings.where(category in each.categories for each in self._asserted),
        )

    def once(self, key: object, make: Callable[[], Made]) -> Made:
        """What *make* makes, made once for each *key*."""
        if key not in self._memo:
            self._memo[key] = make()
        found: Made = self._memo[key]
        return found

    def holding(self, says: Sentence, section: Section) -> int:
        """The sayings for which the words of *says* about labels and fields hold."""
        covers = section in {Section.CEILING, Section.ALLOW}
        key = (covers, says.label_at_least, says.label_at_most, says.category, says.only_fields)
        return self.once(key, lambda: self._holding(says, covers=covers))

    def _holding(self, says: Sentence, *, covers: bool) -> int:
        bits = self.sayings.all
        if says.label_at_least:
            bits &= self._at_least(self._levels.index(says.label_at_least), covers=covers)
        if says.label_at_most:
            bits &= self._at_most(self._levels.index(says.label_at_most), covers=covers)
        if says.category:
            bits &= self._in(frozenset(says.category), covers=covers)
        if says.only_fields:
            bits &= self._only(frozenset(says.only_fields))
        return bits

    def _some(self, holds: Callable[[Label], bool]) -> int:
        """The sayings about some part whose label in the catalogue *holds*."""
        found = 0
        for part in self.parts:
            if holds(part.label):
                found |= part.bits
        return found

    def _at_least(self, rank: int, *, covers: bool) -> int:
        if covers:
            return self.sayings.all & ~self._some(lambda label: label.rank < rank)
        return self.raised(rank) | self._some(lambda label: label.rank >= rank)

    def _at_most(self, rank: int, *, covers: bool) -> int:
        if covers:
            over = self.raised(rank + 1) | self._some(lambda label: label.rank > rank)
            return self.sayings.all & ~over
        return self._some(lambda label: label.rank <= rank)

    def _in(self, names: frozenset[str], *, covers: bool) -> int:
        if covers:
            return self.sayings.all & ~self._some(lambda each: each.categories.isdisjoint(names))
        found = self._some(lambda label: not label.categories.isdisjoint(names))
        for name in names:
            found |= self.asserting(name)
        return found

    def _only(self, names: frozenset[str]) -> int:
        """A call about a whole is about more than any list of fields."""
        found = self.sayings.all
        for part in self.parts:
            if part.kind is None or not names.issuperset(self.sayings.kinds[part.kind].names):
                found &= ~part.bits
        return found
