"""The reference of the query language: what the page says is what the code does."""

from pathlib import Path

import pytest

from policyd.search.fields import FIELDS
from policyd.search.reference import REFUSED, page, refusal

WRITTEN = Path(__file__).parents[3] / "docs" / "audit-search.md"
SOURCES = sorted((Path(__file__).parents[3] / "policyd" / "search").glob("*.py"))


def test_the_reference_is_current() -> None:
    """The page is what the code writes; to renew it: `./run docs`."""
    assert WRITTEN.read_text("utf-8") == page()


def test_every_field_is_in_it() -> None:
    """Each field has its line."""
    assert all(f"| `{name}` |" in page() for name in FIELDS)


@pytest.mark.parametrize("module", ["syntax", "values", "language"])
def test_every_refusal_is_in_it(module: str) -> None:
    """Each code that reading a query can end with is shown with a query that gets it."""
    (source,) = [path for path in SOURCES if path.stem == module]
    quoted = source.read_text("utf-8").split('"')
    assert {each for each in quoted if each.startswith("query-")} <= {code for code, _ in REFUSED}


def test_only_refusals_are_shown_as_such() -> None:
    """A query that can be read is no example of a refusal."""
    with pytest.raises(ValueError, match="unit:hr"):
        refusal("unit:hr")
