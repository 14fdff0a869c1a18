"""Calls as others tell them: the witness of a review's region, the record of a decision."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from policyd.model.call import Call
from policyd.model.errors import UsageError
from policyd.review.recorded import recorded
from policyd.review.written_cases import Expected

_NO = "no-decision"


class ToldCall(NamedTuple):
    """A call, when it was asked (aware), and what limits had counted before it, by rule.

    `recorded` is what was decided, if it was.
    """

    call: Call
    now: datetime
    used: Mapping[str, int]
    recorded: Expected | None = None


def of_witness(review: bytes, number: int) -> ToldCall:
    """The witness of region *number* of a review, counted as the stricter side refuses it.

    Raises:
        UsageError: *review* is none, or has no such region.
    """
    try:
        regions = {each["number"]: each for each in msgspec.json.decode(review)["regions"]}
    except (msgspec.DecodeError, KeyError, TypeError):
        raise UsageError(
            "the file is no review: write one with `policyd review --json`", code="no-review"
        ) from None
    if number not in regions:
        raise UsageError(
            f"the review has no region {number}: it has {len(regions)}, numbered from 1",
            code="no-region",
        )
    try:
        told, is_opening = regions[number]["witness"], regions[number]["side"] == "opens"
        call = msgspec.convert(told["call"], Call)
        base, head = told["used"]
        used = {**head, **base} if is_opening else {**base, **head}
        return ToldCall(call, datetime.fromisoformat(told["now"]), used)
    except (msgspec.ValidationError, LookupError, TypeError, ValueError):
        raise UsageError(
            "the review was written by another version of policyd: review again", code="no-review"
        ) from None


def of_record(record: Mapping[str, Any]) -> ToldCall:
    """The call of a record of a decision.

    Raises:
        UsageError: *record* is of something else, or of what is no integration's call.
    """
    kind = record.get("kind")
    if kind != "decision":
        raise UsageError(
            f"the record is of kind `{kind}`; only a decision's makes a test", code=_NO
        )
    try:
        found = recorded(msgspec.json.encode(record))
    except msgspec.MsgspecError:
        raise UsageError("the record is of another version of policyd", code=_NO) from None
    if found is None:
        raise UsageError("the record is of a call that was never decided", code=_NO)
    call, facts = found.call, found.facts
    if (call.subject.type, call.resource.type) != ("integration", "dataset"):
        raise UsageError(
            "the record is not about an integration and a dataset: a test can name nothing else",
            code=_NO,
        )
    return ToldCall(call, facts.now, facts.used, Expected(found.allow, found.obligations))
