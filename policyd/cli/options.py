"""Options that several commands have."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The data folder.  [POLICYD_DATA, or policyd-data]"),
]


def listed(values: Iterable[str] | None) -> list[str]:
    """The parts of *values*, each of which may be several with commas between.

    >>> listed(["mask,tokenise", "drop-fields"])
    ['mask', 'tokenise', 'drop-fields']
    """
    parts = (part.strip() for value in values or () for part in value.split(","))
    return [part for part in parts if part]


def ending(example: str, codes: str) -> str:
    """The end of a command's help: an example to copy, and the exit codes."""
    return f"\b\nExample:\n  {example.replace(chr(10), chr(10) + '  ')}\n\nExit codes: {codes}"
