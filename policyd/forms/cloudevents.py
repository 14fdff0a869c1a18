"""CloudEvents 1.0: a record as an event on its way to another system.

The event's `data` is the record's very bytes, which are JSON; `sequence` is its number in the log.
`id` and `source` name it for ever, so whoever gets it twice can tell.
Source: CloudEvents 1.0.2, JSON format and JSON batch format; extensions sequence, tracing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from policyd.forms.entry import Entry, present

BATCH = "application/cloudevents-batch+json"
LOST = "dev.policyd.lost.v1"
"""The type of an event that stands for records which cannot be read any more."""

NOTICE = "dev.policyd.notice.v1"
"""The type of an event that is no record: something that somebody should know."""

_encode = msgspec.json.encode


def event(entry: Entry) -> bytes:
    """The record as one event in the JSON format, on one line."""
    head = _head(entry.origin, entry.seq) | present(
        type=f"dev.policyd.{entry.record['kind']}.v{entry.record['v']}",
        id=entry.record["id"],
        time=entry.record["ts"],
        subject=entry.part("call", "subject"),
        traceparent=entry.traceparent,
    )
    # The bytes are copied in, not parsed and written again.
    return _encode(head)[:-1] + b',"data":' + entry.leaf + b"}"


def lost(origin: str, records: range) -> bytes:
    """An event that says these records are missing, in their place."""
    head = _head(origin, records.start)
    head |= {"type": LOST, "id": f"lost-{records.start}-{records.stop}"}
    return _encode(head | {"data": {"first": records.start, "end": records.stop}})


def notice(origin: str, event_id: str, time: str, said: Mapping[str, str]) -> bytes:
    """An event that tells of something since *time*; *said* has what, about what and for whom."""
    head = {"specversion": "1.0", "source": source(origin), "datacontenttype": "application/json"}
    head |= {"type": NOTICE, "id": event_id, "time": time, "subject": said["about"]}
    return _encode(head | {"data": said})


def batch(events: Iterable[bytes]) -> bytes:
    """Several events as one body of the type `BATCH`."""
    return b"[" + b",".join(events) + b"]"


def source(origin: str) -> str:
    """The URI of a log as a source of events."""
    return f"policyd://{origin}"


def _head(origin: str, index: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "source": source(origin),
        "datacontenttype": "application/json",
        # Sixteen digits hold every number that JSON readers agree on, and sort as text.
        "sequence": f"{index:016d}",
    }
