"""Fields: they stand on columns that there are, and say who may ask for them."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from policyd.ledger.parquet import COLUMNS, Taken
from policyd.model.keys import ROLES
from policyd.search.fields import _ELSEWHERE, FIELDS, LISTS, NAMES, WHOLE, Field, near_field
from policyd.search.language import parse
from policyd.search.query import terms

EACH = pytest.mark.parametrize("field", FIELDS.values(), ids=lambda each: each.name)


@EACH
def test_a_field_is_documented(field: Field) -> None:
    """It has a sentence, and an example that asks for it."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    query = parse(field.example, now=now, levels=("public", "confidential"))
    assert [each.field for each in terms(query.condition)] == [field.name]
    assert field.about.endswith(".")


@EACH
def test_a_field_stands_on_columns(field: Field) -> None:
    """Where it looks are columns of a segment."""
    assert field.columns
    assert set(field.columns) <= {"seq", *COLUMNS}
    assert set(field.roles) <= set(ROLES)


def test_every_column_is_asked_for() -> None:
    """No column is promoted that no field, pairing, facet or saved query could ask for."""
    asked = {column for field in FIELDS.values() for column in field.columns}
    assert set(COLUMNS) - asked == {"address", "decision_index"}
    assert asked >= WHOLE


def test_lists_are_lists(tmp_path: Path) -> None:
    """The columns with several values are those that DuckDB has as lists."""
    with Taken(tmp_path / "aside") as taken:
        taken.write(tmp_path / "none.parquet")
    with duckdb.connect(":memory:") as db:
        found = db.read_parquet(str(tmp_path / "none.parquet"))
        types = dict(zip(found.columns, map(str, found.types), strict=True))
    assert {name for name, kind in types.items() if kind.endswith("[]")} == LISTS


@pytest.mark.parametrize("role", ["rule", "exemption", "key", "address"])
def test_some_fields_need_more(role: str) -> None:
    """By which rule something was decided, and who else called, is not for everyone to ask."""
    assert FIELDS[role].roles
    assert "builder" not in FIELDS[role].roles


def test_words_of_other_logs_lead_here() -> None:
    """What other systems call a field is answered with its name here."""
    assert set(_ELSEWHERE.values()) <= set(NAMES)
    assert not set(_ELSEWHERE) & set(NAMES)
    assert near_field("IP") == "address"
    assert near_field("Unit") == "unit"
    assert near_field("zzzz") is None
