"""Layout: tables and bars that fit where they are printed, from 40 columns up."""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence

from policyd.cli.output import printable, say, say_table

LEAST = 40
"""Columns that every layout needs at most."""

STYLES: Mapping[str, str] = {
    "allow": "green",
    "deny": "red",
    "allow, would deny": "yellow",
    "failed": "red",
    "ran-despite-deny": "red",
    "ran-unasked": "yellow",
}
"""Colours of cells that say so anyway."""

_GAP = 2
_SHADES = "█▓▒░"
_PLAIN_SHADES = "#=-."


def width() -> int | None:
    """Columns there are to print in; None where it goes to a file or a program."""
    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return max(shutil.get_terminal_size().columns, LEAST)
    return None


def say_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows so that they fit: in columns, or where words would have to break, as blocks.

    Nothing is cut off; what does not fit into a line goes on in the next.
    """
    if not rows:
        return
    room = width()
    safe = [[printable(cell) for cell in row] for row in rows]
    least = [max(map(_longest_word, column)) for column in zip(head, *safe, strict=True)]
    if room is None:
        say_table(head, safe)
    elif sum(least) + _GAP * len(head) <= room:
        _say_columns(head, safe, least, room)
    else:
        for row in safe:
            _say_block(head, row, room)


def say_text(text: str, style: str = "") -> None:
    """Print a sentence, in as many lines as it takes."""
    room = width()
    for piece in pieces(printable(text), room) if room else [text]:
        say(piece, style)


def say_members(members: Sequence[tuple[str, str]]) -> None:
    """Print names and what they have, aligned; where there is no room, below each other."""
    room = width()
    wide = max((len(name) for name, _ in members), default=0)
    is_beside = room is None or wide + _READABLE <= room
    for name, value in members:
        start = f"  {name:{wide}}  " if is_beside else "    "
        if not is_beside:
            say(f"  {printable(name)}")
        text = printable(value)
        for piece in pieces(text, room - len(start)) if room else [text]:
            say((start + piece).rstrip())
            start = " " * len(start)


_READABLE = 40  # columns in which a value can be read beside its name


def _longest_word(cell: str) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, cell.split()), default=0)


def shades(count: int) -> str:
    """So many signs that can be told apart without colour; the last one stands for all others."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        _SHADES.encode(encoding)
    except UnicodeEncodeError:
        return _PLAIN_SHADES[:count]
    return _SHADES[:count]


def bar(parts: Sequence[int], most: int, room: int, signs: str) -> str:
    """A bar of *room* columns for *most*, of parts with a sign each; any part that is, shows.

    >>> bar([6, 2], 16, 8, "#=")
    '###='
    >>> bar([1, 0], 1000, 8, "#=")
    '#'
    """
    made, total = "", 0
    for part, sign in zip(parts, signs, strict=False):
        total += part
        end = round(total * room / most) if most else 0
        made += sign * max(end - len(made), 1 if part else 0)
    return made[: max(room, 1)]


def _say_columns(
    head: Sequence[str], rows: Iterable[Sequence[str]], least: Sequence[int], room: int
) -> None:
    from rich.table import Table
    from rich.text import Text

    from policyd.cli.output import say_rich

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for name, wide in zip(head, least, strict=True):
        table.add_column(Text(name), overflow="fold", min_width=wide)
    for row in rows:
        table.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in row))
    say_rich(table, room)


def _say_block(head: Sequence[str], row: Sequence[str], room: int) -> None:
    """One row in lines of its own: its first two cells, then the others with their names."""
    for piece in pieces(f"{row[0]}  {row[1]}", room):
        say(piece, "bold")
    wide = max(map(len, head[2:]), default=0)
    for name, cell in zip(head[2:], row[2:], strict=True):
        start = f"  {name.lower():{wide}}  "
        for piece in pieces(cell, room - len(start)) if cell else ():
            say(start + piece, STYLES.get(cell, ""))
            start = " " * len(start)


def pieces(text: str, room: int) -> list[str]:
    """A text in lines of at most *room* columns, broken between words where there are any."""
    from rich.console import Console
    from rich.text import Text

    lines = Text(text).wrap(Console(width=room), max(room, 1), overflow="fold")
    return [line.plain.rstrip() for line in lines]
