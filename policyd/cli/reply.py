"""What a server's reply must have to be understood."""

from collections.abc import Iterable
from typing import Any

from policyd.cli.answer import unreadable


def having(names: Iterable[str], body: dict[str, Any]) -> dict[str, Any]:
    """The *body* of an answer, which has these members.

    Raises:
        Unanswered: one of them is missing.
    """
    missing = [name for name in names if name not in body]
    if missing:
        raise unreadable(f"it has no `{missing[0]}`")
    return body
