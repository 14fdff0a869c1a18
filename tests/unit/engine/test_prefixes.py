"""Patterns are found as `keyMatch` would match them, however they nest."""

from itertools import product

import pytest
from casbin.util import key_match

from policyd.engine.prefixes import PrefixTable

LETTERS = [*("".join(p) for n in range(4) for p in product("a/", repeat=n)), "b", "a/b", "😀"]
PATTERNS = [*LETTERS, *(f"{text}*" for text in LETTERS), "a*/b", "a/*z", "/*a*"]


@pytest.mark.parametrize("text", [*PATTERNS, "a/b/c", "aaaa/", "zz", "😀😀"])
def test_finds_what_key_match_matches(text: str) -> None:
    """Nested prefixes, exact texts and patterns as texts: the same patterns as one by one."""
    found = PrefixTable(PATTERNS).find(text)
    assert sorted(found) == sorted(p for p in set(PATTERNS) if key_match(text, p))


def test_longest_first_and_each_once() -> None:
    """The nearest pattern comes first, and a repeated one once."""
    table = PrefixTable(["*", "a/*", "a/b*", "a/b", "a/*"])
    assert table.find("a/b") == ("a/b", "a/b*", "a/*", "*")


def test_no_patterns() -> None:
    """Nothing is found in an empty table."""
    assert PrefixTable([]).find("a") == ()
