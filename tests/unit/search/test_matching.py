"""Matching one record; that it agrees with the database is held in tests/properties."""

from datetime import UTC, datetime
from typing import Any

import pytest

from policyd.search.language import parse
from policyd.search.matching import matches

RECORD: dict[str, Any] = {
    "kind": "decision",
    "id": "01938f6e-27a1-7c7e-8f4e-0123456789ab",
    "ts": "2026-11-20T10:00:00.000001Z",
    "decision": "allow",
    "caller": {"key": "k1", "address": "::ffff:10.20.0.1"},
    "call": {
        "subject": "sales/cube",
        "action": "send",
        "system": "crm",
        "dataset": "crm/customers",
        "labels": {"effective": ["confidential", "personal"]},
        "destination": {"canonical": "https://api.mailer.example/v3", "sent": "mailer/api"},
        "volume": {"rows": 10},
    },
    "reasons": [{"code": "x", "check": "y", "rule": "GR-7"}, {"code": "z", "check": "y"}],
    "obligations": [],
}


@pytest.mark.parametrize(
    "text",
    [
        *("", "decision:allow", "-decision:deny", "dataset:crm/*", "host:*.mailer.example"),
        *("endpoint:mailer/api", "label>=internal", "label:personal", "-label>confidential"),
        *("rule:GR-7 reason:z", "address:10.20.0.0/16", "rows:5..10", "-bytes:*", "index:7"),
        *('"customers"', '"mailer.example"', "time:2026-11-20", "-unit:sales", "outcome:missing"),
        *("integration:sales/cube", "after:-1d before:now", "-kind:(query outcome)"),
    ],
)
def test_what_a_record_is_found_by(text: str) -> None:
    """Each of these finds the record, and its opposite does not."""
    now = datetime(2026, 11, 21, 10, tzinfo=UTC)
    levels = ("public", "internal", "confidential", "restricted")
    query = parse(text, now=now, levels=levels)
    assert matches(query, RECORD, index=7)
    opposite = parse(f"-({text})" if text else "-kind:*", now=now, levels=levels)
    assert not matches(opposite, RECORD, index=7)


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (None, {"missing"}),
        ("ok", {"done", "*"}),
        ("failed", {"failed", "*"}),
        ("ran-despite-deny", {"ran-despite-deny", "*"}),
    ],
)
def test_outcomes_are_handed_in(status: str | None, found: set[str]) -> None:
    """What was reported of a decision is not in its record, and decides what finds it."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    words = ("missing", "done", "failed", "ran-despite-deny", "*")
    queries = {word: parse(f"outcome:{word}", now=now, levels=()) for word in words}
    assert {
        word for word, query in queries.items() if matches(query, RECORD, index=7, outcome=status)
    } == found
