"""What commands print: results on stdout, trouble and remarks on stderr.

Colour only repeats what the words say; there is none off a terminal, or with NO_COLOR.
"""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from policyd.model.errors import PolicydError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def say(text: str, style: str = "") -> None:
    """Print a line of the result."""
    _print(text, style, on_stderr=False)


def remark(text: str, style: str = "") -> None:
    """Print a line on stderr that is not part of the result."""
    _print(text, style, on_stderr=True)


def say_json(value: object) -> None:
    """Print the result for a program; in ASCII, so that no locale changes it."""
    print(json.dumps(value, indent=2))  # noqa: T201 - rich would wrap it


def say_text(text: str) -> None:
    """Print a document as it stands, line ends included."""
    print(text, end="")  # noqa: T201 - rich would wrap it


def say_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns, each on one line however long it is."""
    from rich.cells import cell_len

    table = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    for number, row in enumerate(table):
        padded = (
            cell + " " * (wide - cell_len(cell)) for cell, wide in zip(row, widths, strict=True)
        )
        say("  ".join(padded).rstrip(), "" if number else "bold")


def tell(error: PolicydError, hint: str = "") -> None:
    """Print on stderr what went wrong, and what to do next where the message does not say."""
    remark(f"policyd: {error.message} [{error.code}]", "red")
    if hint:
        remark(f"  next: {hint}")


def printable(text: str) -> str:
    r"""*text* without characters that could move the cursor or hide what is there.

    >>> printable("a\x1b[2Jb")
    'a�[2Jb'
    """
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def say_rich(table: "RenderableType", width: int) -> None:
    """Print what rich lays out, in so many columns."""
    _console(on_stderr=False, width=width).print(table)


def _print(text: str, style: str, *, on_stderr: bool) -> None:
    from rich.text import Text

    _console(on_stderr=on_stderr).print(Text(printable(text), style), soft_wrap=True)


def _console(*, on_stderr: bool, width: int | None = None) -> "Console":
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> NoReturn:
            """Leave it to `main`; rich itself would end with 1, which means something else here."""
            raise BrokenPipeError

    return Piped(stderr=on_stderr, width=width)
