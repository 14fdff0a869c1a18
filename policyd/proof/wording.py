"""Words for sets: of sayings and of moments, as a policy owner reads them."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from policyd.proof.moments import Moment, Moments
from policyd.proof.sayings import Sayings

ALWAYS = "at any time"
WHATEVER = "whatever it names"


def saying(sayings: Sayings, bits: int) -> str:
    """Which fields the calls name, and what they assert.

    Exact where the set is one that a list of fields can say; else what is largest in it, and that
    there are some.
    """
    plain = [chosen for chosen, said in sayings.sets(bits) if said & 1]
    if not plain:
        words = " ".join(sayings.first(bits)[1]) or "nothing"
        return f"if it asserts labels such as {words}"
    if len(plain) == 1 << len(sayings.kinds):
        return WHATEVER
    whole = "it names no fields" if 0 in plain else None
    named = [each for each in plain if each]
    if len(named) == (1 << len(sayings.kinds)) - 1:
        return "if it names its fields"
    largest = [each for each in named if not any(each != e and each & e == each for e in named)]
    told = [_fields(sayings, each, named) for each in sorted(largest, reverse=True)[:3]]
    more = [f"{len(largest) - 3} more sets of fields"] if len(largest) > 3 else []  # noqa: PLR2004 - as many as are told
    return "if " + ", or ".join([*([whole] if whole else []), *told, *more])


def _fields(sayings: Sayings, chosen: int, among: list[int]) -> str:
    """The fields of some kinds; whether any of them will do, or which have to be there."""
    kinds = [index for index in range(len(sayings.kinds)) if chosen >> index & 1]
    below = [each for each in among if each & chosen == each]
    needed = [index for index in kinds if all(each >> index & 1 for each in below)]
    is_plain = len(below) == (1 << (len(kinds) - len(needed))) - (not needed)
    names = _names(sayings, kinds)
    others = set(range(len(sayings.kinds))).difference(kinds)
    if len(others) < len(kinds) and not needed:
        some = "" if is_plain else ", in some ways"
        return f"it names fields, but not {_names(sayings, others)}{some}"
    if needed and len(needed) < len(kinds):
        names = f"{_names(sayings, needed)} and perhaps {_names(sayings, set(kinds) - {*needed})}"
    return f"it names {'some of ' if len(kinds) > 1 and not needed else ''}{names}" + (
        "" if is_plain else " in some ways"
    )


def _names(sayings: Sayings, kinds: Iterable[int]) -> str:
    names = [name for each in sorted(kinds) for name in sayings.kinds[each].names]
    fresh = sayings.fresh
    known = [f"`{name}`" for name in names if name != fresh]
    return ", ".join([*known, *(["a field that is not listed"] if fresh in names else [])])


def when(moments: Moments, bits: int) -> str:
    """When it is so."""
    if bits == moments.all:
        return ALWAYS
    spans = _spans(moments, bits)
    hull = moments.where(lambda each: any(_is_in(each, span) for span in spans))
    dated = ", and ".join(_dated(span) for span in spans[:4])
    dated += f", and {len(spans) - 4} more times" if len(spans) > 4 else ""  # noqa: PLR2004 - as many as are told
    parts = [*([dated] if hull != moments.all else []), *_windows(moments, bits, hull)]
    return ", ".join(parts) or ALWAYS


_Span = tuple[datetime | None, datetime | None]


def _is_in(moment: Moment, span: _Span) -> bool:
    start, end = span
    after = start is None or (moment.dates[0] is not None and moment.dates[0] >= start)
    return after and (end is None or (moment.dates[1] is not None and moment.dates[1] <= end))


def _spans(moments: Moments, bits: int) -> list[_Span]:
    """The stretches between dates that the moments are in, joined where they touch."""
    spans: list[_Span] = []
    for start, end in dict.fromkeys(each.dates for each in moments.of(bits)):
        if spans and spans[-1][1] == start and start is not None:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _dated(span: _Span) -> str:
    start, end = span
    words = [f"from {_told(start)}"] if start else []
    words += [f"until {_told(end)}"] if end else []
    return " ".join(words) or "at one moment"


def _told(date: datetime) -> str:
    """A date, with the time if it is not midnight."""
    return date.isoformat(" ", "minutes").removesuffix(" 00:00")


def _windows(moments: Moments, bits: int, hull: int) -> Iterator[str]:
    """The window during or outside of which all of it is, within its dates."""
    if bits == hull:
        return
    names = sorted({name for each in moments.list for opened in each.windows for name in opened})
    for side in (1, 0):
        for name in names:
            opened = moments.open(name, side)
            for word, inside in (("during", hull & opened), ("outside", hull & ~opened)):
                if inside == bits:
                    yield f"{word} `{name}`"
                    return
    yield "at some times of the week"
