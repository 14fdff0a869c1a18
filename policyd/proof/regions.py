"""Regions: differences that are alike, joined into the largest blocks of calls."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from policyd.model.labels import Treatment
from policyd.proof import wording
from policyd.proof.compare import Found, Where
from policyd.proof.differences import Difference
from policyd.proof.places import Spot
from policyd.proof.sayings import Sayings
from policyd.proof.space import Space

Names = tuple[str, ...]
ANYTHING = "anything"
"""What a roll-out lets pass: any action, on any data."""
_Point = tuple[str, str, str, str]  # caller, dataset, place, source


class Alike(NamedTuple):
    """What the calls of a region have in common; `side` is the one that refuses, or asks more."""

    side: int
    kind: str  # opens, limit, duty or roll-out
    action: str
    duty: str | None
    limit: str | None
    methods: Names  # none: all
    saying: str
    when: str


class Block(NamedTuple):
    """Every one of the callers, with all of the data, at all of the places.

    Of a write, `sources` are those that make the difference, each of them; ("",) for none.
    `found` has some of its differences: for each of the names, of the last stretch of time and of
    the first, as far as there is room.
    """

    alike: Alike
    callers: Names
    data: Names
    places: Names
    sources: Names
    found: tuple[Found, ...]


def blocks(space: Space, found: Iterable[Found], most: int = 1) -> list[Block]:
    """The differences as blocks: each difference in one, and each as large as it can be.

    At *most* so many of its differences are kept of each.
    """
    alike: dict[Alike, dict[_Point, list[Found]]] = defaultdict(dict)
    for key, point, some in _alike(space, found):
        alike[key].setdefault(point, some)
    return [each for key in sorted(alike, key=str) for each in _covering(key, alike[key], most)]


def _alike(space: Space, found: Iterable[Found]) -> Iterator[tuple[Alike, _Point, list[Found]]]:
    """The differences in words, with methods and moments of one kind together."""
    together: dict[tuple[object, ...], tuple[int, set[str], list[Found]]] = {}
    for where, each in found:
        key = (
            *(_caller(where), where.action, where.data, _place(where), each.side, each.kind),
            *(each.due, each.limit, each.source, each.bits),
        )
        when, methods, some = together.get(key, (0, set(), []))
        ends = [(where, each), *some[-1:]]
        together[key] = (when | each.when, methods | {where.spot.method or ""}, ends)
    every = _methods(space)
    for when, methods, some in together.values():
        where, each = some[0]
        sayings = space.sayings(where.data)
        is_any = each.kind == "roll-out"
        is_every = is_any or methods >= every[_names(where.spot)]
        yield (
            Alike(
                each.side,
                each.kind,
                ANYTHING if is_any else where.action,
                _duty(sayings, each),
                each.limit,
                () if is_every else tuple(sorted(methods)),
                wording.WHATEVER if is_any else wording.saying(sayings, each.bits),
                wording.when(space.moments, when),
            ),
            (_caller(where), *_about(where, is_any=is_any), each.source or ""),
            some,
        )


def _methods(space: Space) -> dict[tuple[str | None, str | None], set[str]]:
    """By place, the methods by which it can be contacted at all."""
    found: dict[tuple[str | None, str | None], set[str]] = defaultdict(set)
    for each in space.spots:
        found[_names(each)].update([each.method] if each.method else [])
    return found


def _caller(where: Where) -> str:
    who = where.who[0] or where.who[1]
    return who.id if who else ""


def _names(spot: Spot) -> tuple[str | None, str | None]:
    """The place, as each side knows it."""
    one, two = (place.name if (place := spot.place(side)) else None for side in (0, 1))
    return one, two


def _about(where: Where, *, is_any: bool) -> tuple[str, str]:
    """Data and place; a roll-out is about any."""
    return (ANYTHING, "") if is_any else (where.data, _place(where))


def _place(where: Where) -> str:
    """The place that a call of the cell contacts; empty where the data lives."""
    one, two = _names(where.spot)
    if one == two:
        is_home = where.action != "send" and one == where.data.partition("/")[0]
        return "" if is_home else one or "an unlisted place"
    return f"{where.spot.endpoint} ({one or 'unlisted'} before, {two or 'unlisted'} after)"


def _duty(sayings: Sayings, each: Difference) -> str | None:
    """The duty that one side asks for alone: `mask email, iban`, `row-limit 200`."""
    if each.due is None:
        return None
    (what, kind), weight = each.due
    if what == "fields" and not any(said & 1 for _, said in sayings.sets(each.bits)):
        return f"{Treatment(weight).word} of fields that it asserts to be such"
    if what != "fields":
        return f"{what} {-weight}" + (" minutes" if what == "log-outcome" else "")
    names = [name for name in sayings.kinds[kind].names if name != sayings.fresh]
    fields = ", ".join(f"`{name}`" for name in names) or "fields that are not listed"
    return f"{Treatment(weight).word} of {fields}"


def _covering(alike: Alike, points: dict[_Point, list[Found]], most: int) -> Iterator[Block]:
    """Blocks that have all the points: grown from the first point that is in none yet."""
    left = dict(points)
    while left:
        first = next(iter(left))
        sets = [{each} for each in first]
        for dimension in (1, 2, 3, 0):
            for value in sorted({point[dimension] for point in points}):
                wider = [{value} if n == dimension else each for n, each in enumerate(sets)]
                if all(each in points for each in product(*wider)):
                    sets[dimension].add(value)
        callers, data, places, sources = (tuple(sorted(each)) for each in sets)
        covered = list(product(callers, data, places, sources))
        some = [each for point in _telling(first, covered) for each in points[point]]
        yield Block(alike, callers, data, places, sources, tuple(some[:most]))
        for point in covered:
            left.pop(point, None)


def _telling(first: _Point, points: Iterable[_Point]) -> list[_Point]:
    """Points in which each name of each dimension occurs; *first* stays first."""
    chosen, seen = [first], set(enumerate(first))
    for each in points:
        if not seen.issuperset(enumerate(each)):
            chosen.append(each)
            seen.update(enumerate(each))
    return chosen
