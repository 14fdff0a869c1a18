"""Pointing: where in a query something is wrong, shown under it."""

from policyd.cli.layout import width
from policyd.cli.output import printable, remark

_USUAL = 80
_BEFORE = 3  # how much of a window stands before the place, as a part of it: a third


def point(query: str, column: int, length: int) -> None:
    """Print the query and a caret under each character that is wrong; of a long one, a part."""
    shown, at, carets = window(query, column, length, (width() or _USUAL) - 4)
    remark(f"  {shown}")
    remark(f"  {' ' * at}{'^' * carets}", "red")


def window(query: str, column: int, length: int, room: int) -> tuple[str, int, int]:
    """The part of a query around a place, columns before the carets, and how many of these.

    >>> window("unit:hr decison:deny", 9, 8, 40)
    ('unit:hr decison:deny', 8, 8)
    >>> window("x" * 50 + "!" + "y" * 50, 51, 1, 20)
    ('…xxxxx!yyyyyyyyyyyy…', 6, 1)
    """
    from rich.cells import cell_len

    text = printable(query)
    place = min(max(column - 1, 0), len(text))
    start = 0
    if len(text) > room:
        start = max(min(place - room // _BEFORE, len(text) - room), 0)
        end = start + room
        cut = text[start:end]
        cut = ("…" if start else "") + cut[bool(start) :]
        text = cut if end >= len(query) else cut[:-1] + "…"
    at = cell_len(text[: place - start])
    wrong = text[place - start : place - start + length]
    return text, at, max(cell_len(wrong), 1)
