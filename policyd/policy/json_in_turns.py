"""JSON read in turns: text as long as a policy tree, parsed in a thread that holds nobody up.

What parses JSON fast does so in one go, and all other threads wait for it: 20 MB take it a fifth of
a second. Here the objects are read by Python, which gives others their turn, and each string at
once. A string of a tree is a file.
"""

import json
from collections.abc import Callable
from json.decoder import JSONDecoder
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # no stub has it
from typing import Any

Pairs = list[tuple[str, Any]]


class _InTurns(JSONDecoder):
    def __init__(
        self,
        pairs: Callable[[Pairs], Any] | None = None,
        constant: Callable[[str], Any] | None = None,
    ) -> None:
        super().__init__(object_pairs_hook=pairs, parse_constant=constant)
        self.scan_once = py_make_scanner(self)


def loads(
    text: str,
    pairs: Callable[[Pairs], Any] | None = None,
    constant: Callable[[str], Any] | None = None,
) -> Any:  # noqa: ANN401 - JSON is any of its types
    """What *text* says, as `json.loads` reads it.

    Args:
        text: As deep as Python may recurse; whoever does not know that looks first.
        pairs: Makes an object of its members; without it, a dict.
        constant: Told of NaN and the like.

    Raises:
        ValueError: it is not JSON.
    """
    return _InTurns(pairs, constant).decode(text)


def dumps(members: dict[str, str]) -> str:
    """One object of strings, in the order of their names, as `json.dumps` writes it."""
    said = (f"{json.dumps(name)}: {json.dumps(members[name])}" for name in sorted(members))
    return "{" + ", ".join(said) + "}"
