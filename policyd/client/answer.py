"""The server's answer, read strictly: only a plain `true` with known obligations allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from .errors import Denied, Reason
from .obligations import Obligation, read_obligations

LONGEST_S = 60.0
"""Seconds that an answer holds, if it does not say how long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An allow, with what it demands.

    Attributes:
        decision_id: Of the record; None if the answer does not say.
        obligations: To be fulfilled.
        advice: Obligations that will be demanded one day, as `{id, type, properties}`.
        destination: The URL that was judged, in its one spelling.
        holds_s: Seconds from the answer for which it holds.
        would_deny: Only a roll-out of policies let the call pass.
    """

    decision_id: str | None
    obligations: tuple[Obligation, ...]
    advice: tuple[Mapping[str, Any], ...]
    destination: str | None
    holds_s: float
    would_deny: bool


def read_answer(body: object, headers: Mapping[str, str], supported: Sequence[str]) -> Answer:
    """The allow that *body* is.

    Args:
        body: The parsed JSON of a 200.
        headers: Of the response, names in lower case.
        supported: The obligations that the caller can fulfil.

    Raises:
        Denied: it is a deny, not understood, or demands what the caller cannot do.
    """
    decision_id = headers.get("x-decision-id")
    context = body.get("context", {}) if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(context, dict):
        raise Denied([_MALFORMED], decision_id)
    if body.get("decision") is not True:
        raise Denied(_reasons(context.get("reasons")), decision_id)
    obligations, problem = read_obligations(context.get("obligations", []), supported)
    if problem:
        raise Denied([problem], decision_id)
    destination, advice = context.get("destination"), context.get("advice", [])
    return Answer(
        decision_id,
        obligations,
        tuple(advice) if isinstance(advice, list) else (),
        destination if isinstance(destination, str) else None,
        _holds(context.get("valid_until"), headers.get("date")),
        context.get("would") == "deny",
    )


_MALFORMED = Reason(
    "answer-malformed",
    "what answers is not an AuthZEN server, or its answer was damaged",
    "check the URL that the client was given",
)


_OUR_WORDS = {
    "context.endpoint": "`to`",
    "context.path": "`path`",
    "context.method": "`method`",
    "context.sources": "`sources`",
    "resource.properties.fields": "`fields`",
    "action.properties.rows": "`rows`",
    "action.properties.bytes": "`bytes`",
    "support it, and declare it in context.supported_obligations or on the key": "give the client"
    " what it takes, for `tokenise` the secret `tokenise_with`",
}
"""What the server says of a request, as this client's callers know it."""


def _in_our_words(text: str) -> str:
    for theirs, ours in _OUR_WORDS.items():
        text = text.replace(theirs, ours)
    return text


def _reasons(said: object) -> list[Reason]:
    parts = ("code", "message", "fix", "contact")
    return [
        Reason(*(_in_our_words(str(each.get(part, ""))) for part in parts))
        for each in (said if isinstance(said, list) else [])
        if isinstance(each, dict)
    ]


def _holds(until: object, date: str | None) -> float:
    """Seconds from the server's own `Date` on, so that no other clock has a say."""
    try:
        start = parsedate_to_datetime(date or "")
        end = datetime.fromisoformat(until if isinstance(until, str) else "")
        return min(LONGEST_S, (end - start).total_seconds())
    except (TypeError, ValueError):
        return LONGEST_S
