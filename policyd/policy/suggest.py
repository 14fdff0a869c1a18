"""Suggestions for misspelt words."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST_LIST = 12


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """`; did you mean …?` if one of *known* is near, else a short list of them, or nothing.

    >>> did_you_mean("forbidd", ["forbid", "ceiling"])
    '; did you mean `forbid`?'
    >>> did_you_mean("x", ["read", "send"])
    '; use read, send'
    """
    words = sorted(known)
    near = get_close_matches(str(word), words, n=1)
    if near:
        return f"; did you mean `{near[0]}`?"
    if 0 < len(words) <= _LONGEST_LIST:
        return f"; use {', '.join(words)}"
    return ""
