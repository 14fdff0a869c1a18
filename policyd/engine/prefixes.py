"""Which patterns a text matches, found without trying them one by one."""

from bisect import bisect_right
from collections.abc import Iterable


class PrefixTable:
    """Patterns as casbin's `keyMatch` reads them: exact, or a prefix up to the first `*`.

    Prefixes that match one text are nested, so the longest of them leads to all others: a look-up
    is one bisection, and takes no longer for more patterns than that.

    >>> PrefixTable(["erp/*", "erp/stock", "crm/*"]).find("erp/stock")
    ('erp/stock', 'erp/*')
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        """Sort *patterns*, each of them once."""
        starred: dict[str, list[str]] = {}
        self._exact: set[str] = set()
        for pattern in dict.fromkeys(patterns):
            prefix, star, _ = pattern.partition("*")
            if star:
                starred.setdefault(prefix, []).append(pattern)
            else:
                self._exact.add(pattern)
        self._prefixes = sorted(starred)
        self._parents: list[int] = []  # position of the longest prefix of a prefix, or -1
        self._found: list[tuple[str, ...]] = []  # patterns of a prefix and of all its parents
        for i, prefix in enumerate(self._prefixes):
            parent = self._longest(prefix, i - 1)
            above = self._found[parent] if parent >= 0 else ()
            self._parents.append(parent)
            self._found.append((*starred[prefix], *above))

    def find(self, text: str) -> tuple[str, ...]:
        """The patterns that *text* matches, longest first."""
        i = self._longest(text, bisect_right(self._prefixes, text) - 1)
        found = self._found[i] if i >= 0 else ()
        return (text, *found) if text in self._exact else found

    def _longest(self, text: str, i: int) -> int:
        # INVARIANT: whatever is a prefix of the text and sorts at or before `i` is `i` or above it.
        while i >= 0 and not text.startswith(self._prefixes[i]):
            i = self._parents[i]
        return i
