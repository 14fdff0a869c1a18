"""Words of messages: quotations, and suggestions for misspelt words."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST_QUOTE = 60
_LONGEST_LIST = 8
_MANY = 500  # comparing a word with more than that would make a broken file slow to refuse


def quoted(value: object) -> str:
    """User input in backticks: on one line, and cut where it gets long.

    >>> quoted("a  b"), quoted(1.5), len(quoted("x" * 1000))
    ('`a b`', '`1.5`', 63)
    """
    text = " ".join(str(value).split())
    return f"`{text[:_LONGEST_QUOTE]}…`" if len(text) > _LONGEST_QUOTE else f"`{text}`"


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` if one of *known* is near, else nothing.

    >>> nearest("forbidd", ["forbid", "ceiling"]), nearest("x", ["forbid"])
    ('; did you mean `forbid`?', '')
    """
    words = sorted(known)
    if len(words) > _MANY:
        words = [each for each in words if each[:1] == word[:1]][:_MANY]
    near = get_close_matches(word, words, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Like `nearest`, but where nothing is near, all of a short list.

    >>> did_you_mean("x", ["read", "send"])
    '; use read, send'
    """
    words = sorted(known)
    is_short = 0 < len(words) <= _LONGEST_LIST
    return nearest(word, words) or (f"; use {', '.join(words)}" if is_short else "")
