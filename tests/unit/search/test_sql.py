"""Conditions for DuckDB: their text, their parameters, and what they leave to the database."""

from datetime import UTC, datetime

import pytest

from policyd.search.language import parse
from policyd.search.query import Is, Query, Term
from policyd.search.sql import Where, where

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def made(text: str) -> Where:
    """The condition of a query."""
    return where(parse(text, now=NOW, levels=("public", "confidential", "restricted")))


@pytest.mark.parametrize(
    ("text", "condition", "parameters"),
    [
        ("", "true", {}),
        ("unit:sales", "unit = $q0", {"q0": "sales"}),
        ("-unit:sales", "not coalesce(unit = $q0, false)", {"q0": "sales"}),
        ("unit:*", "unit is not null", {}),
        ("rule:GR-7", "list_contains(rules, $q0)", {"q0": "GR-7"}),
        ("rule:*", "len(rules) > 0", {}),
        ("host:*.x", "ends_with(host, $q0)", {"q0": ".x"}),
        ("rows:5", "(rows >= $q0 and rows < $q1)", {"q0": 5, "q1": 6}),
        ("rows>5", "rows >= $q0", {"q0": 6}),
        ("rows<=5", "rows < $q0", {"q0": 6}),
        ("time<today", "ts < $q0", {"q0": datetime(2026, 11, 21)}),  # noqa: DTZ001 - as DuckDB has it
        (
            "label>=confidential",
            "(level is not null and not list_contains($q0::varchar[], level))",
            {"q0": ["public"]},
        ),
        (
            "address:10.0.0.0/8",
            "address_key between $q0 and $q1",
            {"q0": "4:010.000.000.000", "q1": "4:010.255.255.255"},
        ),
    ],
)
def test_a_query_is_a_condition(text: str, condition: str, parameters: dict[str, object]) -> None:
    """Comparisons are bare where the planner can use them; values are parameters."""
    assert (made(text).text, made(text).parameters) == (condition, parameters)


@pytest.mark.parametrize("text", ["outcome:done", "-(unit:a outcome:*)"])
def test_outcomes_are_asked_for(text: str) -> None:
    """A condition says whether it needs the outcomes beside the log."""
    assert made(text).asks_outcomes
    assert "outcomes" in made(text).text
    assert not made("status:ok").asks_outcomes


@pytest.mark.parametrize("value", ["'; drop table log; --", "$q1", "a) or (true", "\\", '"', "*"])
def test_values_stay_out_of_the_text(value: str) -> None:
    """Whatever is asked for is bound, never written."""
    bound = where(Query(Term("unit", Is(value))))
    assert bound == Where("unit = $q0", {"q0": value}, asks_outcomes=False)


@pytest.mark.parametrize("name", ["unit", "rows", "time"])
def test_what_cannot_be_asked_is_an_error(name: str) -> None:
    """A test that its field does not have, which no text spells, is no condition."""
    with pytest.raises(TypeError):
        where(Query(Term(name, Is(1.5))))  # type: ignore[arg-type]
