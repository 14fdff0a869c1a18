"""Suggestions for misspelt words."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST_LIST = 8


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` if one of *known* is near, else nothing.

    >>> nearest("forbidd", ["forbid", "ceiling"]), nearest("x", ["forbid"])
    ('; did you mean `forbid`?', '')
    """
    near = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Like `nearest`, but where nothing is near, all of a short list.

    >>> did_you_mean("x", ["read", "send"])
    '; use read, send'
    """
    words = sorted(known)
    is_short = 0 < len(words) <= _LONGEST_LIST
    return nearest(word, words) or (f"; use {', '.join(words)}" if is_short else "")
