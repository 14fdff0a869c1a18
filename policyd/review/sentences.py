"""Sentences: regions and sets of names in words that a policy owner reads aloud."""

from collections.abc import Iterable, Sequence

from policyd.model.decision import Obligation
from policyd.proof.proving import Region
from policyd.proof.wording import ALWAYS, WHATEVER

_TOLD, _MANY = 3, 12


def listed(names: Iterable[str], most: int = _TOLD) -> str:
    """The first names, and how many more there are.

    >>> listed(["a", "b", "c", "d", "e"])
    '`a`, `b`, `c` and 2 more'
    """
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(f"`{each}`" for each in known[:most]) + more


def plural(count: int, word: str) -> str:
    """So many of what the word says.

    >>> plural(1, "call"), plural(1200, "call")
    ('1 call', '1,200 calls')
    """
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def numbered(regions: Sequence[int]) -> str:
    """The regions by their numbers; nothing if there are none.

    >>> numbered([2]), numbered([2, 5])
    ('region 2', 'regions 2, 5')
    """
    if not regions:
        return ""
    numbers = ", ".join(map(str, regions[:_MANY]))
    more = ", …" if len(regions) > _MANY else ""
    return f"region{'s' if len(regions) > 1 else ''} {numbers}{more}"


_PARTS = {
    "change": "answers for",
    "data": "owns the data",
    "destination": "answers for the destination",
    "integration": "runs",
}


def concern(part: str, about: Iterable[str]) -> str:
    """Why somebody is concerned.

    >>> concern("data", ["erp/prices"])
    'owns the data `erp/prices`'
    """
    return f"{_PARTS[part]} {listed(about, _MANY)}"


def owed(duties: Iterable[Obligation]) -> tuple[str, ...]:
    """Each duty with what it is about.

    >>> owed([Obligation("mask", {"fields": ("name", "street")})])
    ('mask name street',)
    """
    told = ((each.type, map(_value, each.properties.values())) for each in duties)
    return tuple(f"{type_} {', '.join(values)}" for type_, values in told)


def _value(value: tuple[str, ...] | int | str) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def sentence(region: Region, *, is_opened: bool) -> str:
    """The region in one sentence, with its names as far as they are not too many to read."""
    who = listed(region.callers, _MANY)
    what = f"{region.action} {listed(region.data, _MANY)}"
    if region.kind == "roll-out":
        verb = "pass all denials of a roll-out" if is_opened else "no longer pass in a roll-out"
        return f"{who} {verb}, {region.when}"
    more = _more(region)
    if region.kind == "duty":
        owed = "owe no more" if is_opened else "owe from now on"
        return f"{who} {owed} {region.duty} when they {what}{more}"
    if region.kind == "limit":
        room = "more" if is_opened else "less"
        return f"{who} may {what} {room} often or more at once, under `{region.limit}`{more}"
    may = "may" if is_opened else "may no longer"
    return f"{who} {may} {what}{more}"


def _more(region: Region) -> str:
    """Where, how, of what, which fields and when: only what narrows."""
    places = [each for each in region.places if each]
    return "".join(
        (
            f" to {listed(places, _MANY)}" if places else "",
            f" by {', '.join(region.methods)}" if region.methods else "",
            f" with data of {listed(region.sources, _MANY)}" if any(region.sources) else "",
            f", {region.saying}" if region.saying != WHATEVER else "",
            f", {region.when}" if region.when != ALWAYS else "",
        )
    )
