"""Terms: what one snapshot says of the calls of a cell, before time and sayings are looked at.

A cell is one integration, action, dataset and spot. What its rules still depend on, when it is and
what the call says of the data, stands as sets: `bits` of sayings, `when` of moments.
"""

from collections.abc import Iterable
from typing import NamedTuple

from policyd.model.rules import Limit

Lift = tuple[int, int]
"""The sayings (of exemptions that are about them), and the moments at which they are lifted."""
Lifts = tuple[Lift, ...]


class Bar(NamedTuple):
    """A reason against a call: `bits` at `when`, but where it is lifted."""

    bits: int
    when: int
    lifts: Lifts = ()
    always: bool = False

    def at(self, moment: int) -> int:
        """The sayings that are barred at one moment."""
        return self.bits & ~lifted(self.lifts, moment) if self.when & moment else 0


class Due(NamedTuple):
    """A duty in force: what is owed, how strict (more is stricter)."""

    what: tuple[str, int]  # such as ("row-limit", 0), or ("fields", kind)
    weight: int
    bar: Bar  # where it is owed


class Cap(NamedTuple):
    """A limit in force."""

    ref: str
    limit: Limit
    bar: Bar


class Zoned(NamedTuple):
    """The flow table for one part of a dataset: what it bars, and how it treats the part."""

    bars: tuple[Bar, ...]  # categories that never enter
    above: tuple[int, tuple[Lifts, ...]]  # above the clearance; but where a cell excuses it
    clearance: Lifts
    treated: tuple[tuple[int, Bar], ...]  # weight of each treatment, and where it is
    kind: int | None


class Terms(NamedTuple):
    """What the snapshot of one side says of a cell."""

    refused: int  # moments at which the call is refused for what nothing softens
    passing: int  # moments at which a roll-out lets calls pass
    bars: tuple[Bar, ...] = ()
    covers: tuple[tuple[Bar, ...], ...] = ()  # by layer that has to cover the call
    free: int = 0  # moments at which a missing allow of the unit is softened
    dues: tuple[Due, ...] = ()
    caps: tuple[Cap, ...] = ()
    zoned: tuple[Zoned, ...] = ()
    is_known: bool = True

    def times(self) -> set[int]:
        """Every set of moments in it."""
        parts = self.zoned
        bars = [
            *self.bars,
            *(bar for layer in self.covers for bar in layer),
            *(each.bar for each in self.dues),
            *(each.bar for each in self.caps),
            *(bar for each in parts for bar in each.bars),
            *(bar for each in parts for _, bar in each.treated),
        ]
        lifts = [
            *(each.lifts for each in bars),
            *(each.clearance for each in parts),
            *(excuse for each in parts for excuse in each.above[1]),
        ]
        found = {self.refused, self.passing, self.free, *(each.when for each in bars)}
        return found | {when for each in lifts for _, when in each}


UNKNOWN = Terms(0, 0, is_known=False)
"""Of an integration that nobody registered."""


def lifted(lifts: Lifts, moment: int) -> int:
    """The sayings for which something is lifted at one moment."""
    bits = 0
    for about, when in lifts:
        if when & moment:
            bits |= about
    return bits


class Outcome(NamedTuple):
    """What is decided of the sayings of a cell at one moment, by a caller who can fulfil duties."""

    allowed: int
    barred: int  # by anything
    held: int  # by what holds in a roll-out too
    passes: bool
    dues: tuple[tuple[tuple[str, int], int, int], ...]  # what, weight, sayings
    caps: tuple[tuple[Cap, int], ...]

    def also(self, barred: int, held: int) -> int:
        """What is allowed if this were barred too."""
        return self.allowed & ~(held if self.passes else barred | held)


def outcome(terms: Terms, moment: int, everything: int) -> Outcome:
    """The outcome at *moment*, out of *everything* that a call may say."""
    passes = bool(terms.passing & moment)
    if not terms.is_known:
        return Outcome(0, everything, everything, False, (), ())  # noqa: FBT003 - a named field
    barred, held = everything if terms.refused & moment else 0, 0
    for bar in terms.bars:
        bits = bar.at(moment)
        barred |= bits
        held |= bits if bar.always else 0
    for index, layer in enumerate(terms.covers):
        covered = everything if index == len(terms.covers) - 1 and terms.free & moment else 0
        for bar in layer:
            covered |= bar.at(moment)
        barred |= everything & ~covered
    dues = [(due.what, due.weight, due.bar.at(moment)) for due in terms.dues]
    for zoned in terms.zoned:
        bits, treated = _flow(zoned, moment)
        barred |= bits
        dues += treated
    # A call that names no field cannot say which are to be treated.
    barred |= union(bits for what, _, bits in dues if what == WHOLE)
    allowed = everything & ~(held if passes else barred | held)
    owed = tuple(each for each in dues if each[2] and each[0] != WHOLE)
    caps = tuple((cap, bits) for cap in terms.caps if (bits := cap.bar.at(moment)))
    return Outcome(allowed, barred, held, passes, owed, caps)


WHOLE = ("fields", -1)
"""What is owed by a call that names no fields."""


def union(many: Iterable[int]) -> int:
    """The union of sets."""
    found = 0
    for each in many:
        found |= each
    return found


def _flow(zoned: Zoned, moment: int) -> tuple[int, list[tuple[tuple[str, int], int, int]]]:
    """What the flow table bars of one part of the data, and how it treats the rest."""
    refused = union(bar.at(moment) for bar in zoned.bars)
    above, excuses = zoned.above
    for lifts in excuses:
        above &= lifted(lifts, moment)
    above &= ~lifted(zoned.clearance, moment)
    what = WHOLE if zoned.kind is None else ("fields", zoned.kind)
    treated = [(what, weight, bar.at(moment) & ~refused) for weight, bar in zoned.treated]
    return refused | above, treated


def stretches(terms: Iterable[Terms], moments: int) -> list[int]:
    """The moments, parted so that no term tells those of one part from each other."""
    parts = [moments]
    for when in {each for one in terms for each in one.times()}:
        parts = [half for each in parts for half in (each & when, each & ~when) if half]
    return sorted(parts, key=lambda each: each & -each)
