"""Cells of a CSV, which no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Iterable

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(text: str) -> str:
    """The text, as a spreadsheet takes it for text.

    >>> safe("=1+1")
    "'=1+1"
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_row(cells: Iterable[str]) -> str:
    r"""One line of a CSV (RFC 4180), of cells that are made safe before.

    >>> csv_row(["a", "b;c"])
    'a,b;c\r\n'
    """
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
