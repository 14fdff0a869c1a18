"""Calls as others tell them: the witness of a review's region, the record of a decision."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from policyd.model.call import Call, Entity
from policyd.model.errors import UsageError


class ToldCall(NamedTuple):
    """A call, when it was asked (aware), and what limits had counted before it, by rule."""

    call: Call
    now: datetime
    used: Mapping[str, int]


def of_witness(review: bytes, number: int) -> ToldCall:
    """The witness of region *number* of a review, as the head counts.

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
        told = regions[number]["witness"]
        call = msgspec.convert(told["call"], Call)
        return ToldCall(call, datetime.fromisoformat(told["now"]), told["used"][1])
    except (msgspec.ValidationError, LookupError, TypeError, ValueError):
        raise UsageError(
            "the review was written by another version of policyd: review again", code="no-review"
        ) from None


def of_record(record: Mapping[str, Any]) -> ToldCall:
    """The call of a record of a decision.

    What is kept apart of a record is nothing that a decision reads, so nothing is missing.

    Raises:
        UsageError: *record* is of something else, or of what is no integration's call.
    """
    told, facts = record.get("call"), record.get("facts")
    if record.get("kind") != "decision" or told is None or facts is None:
        raise UsageError(
            f"the record is of kind `{record.get('kind')}`, and only a decision makes a test",
            code="no-decision",
        )
    if "subject_type" in told or "resource_type" in told:
        raise UsageError(
            "the record is of a call that is none of an integration on a dataset, which no test"
            " can name",
            code="no-decision",
        )
    sent, volume = told["destination"], told.get("volume", {})
    call = Call(
        Entity("integration", told["subject"]),
        told["action"],
        Entity("dataset", told["dataset"]),
        fields=tuple(told.get("fields", ())),
        labels=tuple(told["labels"].get("asserted", ())),
        endpoint=sent.get("sent"),
        path=sent.get("path"),
        method=sent.get("method"),
        sources=tuple(told.get("sources", ())),
        rows=volume.get("rows"),
        bytes=volume.get("bytes"),
        supported_obligations=tuple(told.get("supported_obligations", ())),
    )
    return ToldCall(call, datetime.fromisoformat(facts["now"]), facts.get("used", {}))
