"""Records, version 1: the bytes that are the leaves of the log.

JSON in the form of RFC 8785: members sorted, compact, UTF-8, no floats, absent instead of null
or empty. The bytes are made here; where something in them is personal, `personal` makes them
anew without it, before they go into the log, and nothing does after. Only members named here enter.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from policyd.ledger.stamp import Stamp
from policyd.model.errors import LedgerUnavailable

MAX_RECORD = 16_384
"""Bytes of the largest record. Inputs are bounded when they are read, so that none gets there."""

_MAX_INTEGER = 2**53 - 1  # beyond it, JSON readers disagree
_TIME = b',"ts":"'
_TIME_BYTES = len("2026-01-01T00:00:00.000000Z")


class RecordTooLarge(LedgerUnavailable):
    """A record beyond the bound: some input was not bounded when it was read."""


class Part(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A JSON object of a record; what has its default is absent."""


class Record(Part, frozen=True, kw_only=True, tag_field="kind"):
    """What every kind of record has; `ts`, `id` and `nonce` come from its stamp."""

    v: int
    id: str
    ts: str
    nonce: str


class Entity(Part, frozen=True, kw_only=True):
    """A type and an id, such as a person on whose behalf an integration acts."""

    type: str
    id: str


class Labels(Part, frozen=True, kw_only=True):
    """The words the caller sent, and those of the label the decision used."""

    asserted: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()


class Destination(Part, frozen=True, kw_only=True):
    """The endpoint as sent, its canonical URL, its listing, and the zone that was judged."""

    sent: str | None = None
    path: str | None = None
    method: str | None = None
    canonical: str | None = None
    name: str | None = None
    zone: str | None = None


class Volume(Part, frozen=True, kw_only=True):
    """How much data the caller says it moves."""

    rows: int | None = None
    bytes: int | None = None


class Call(Part, frozen=True, kw_only=True):
    """The call as asked and as the snapshot sees it.

    `subject` is the id of an integration and `dataset` that of a dataset, unless a type says
    that something else was asked about.
    """

    subject: str
    action: str
    system: str
    dataset: str
    labels: Labels
    destination: Destination
    subject_type: str | None = None
    resource_type: str | None = None
    unit: str | None = None
    roles: tuple[str, ...] = ()
    stage: str | None = None
    template: str | None = None
    sources: tuple[str, ...] = ()
    on_behalf_of: tuple[Entity, ...] = ()
    fields: tuple[str, ...] = ()
    volume: Volume | None = None
    purpose: str | None = None
    traceparent: str | None = None
    request_id: str | None = None
    supported_obligations: tuple[str, ...] = ()


class Caller(Part, frozen=True, kw_only=True):
    """Who asked: the id of the key, and the network address."""

    key: str
    address: str


class Facts(Part, frozen=True, kw_only=True):
    """The outside inputs of the decision.

    `used` is what each limit that applied had counted before; `owner` is absent while active.
    """

    now: str
    used: Mapping[str, int] = {}
    owner: str | None = None


class Reason(Part, frozen=True, kw_only=True):
    """One failing check."""

    code: str
    check: str
    rule: str | None = None
    mode: str | None = None
    exemption: str | None = None


class Obligation(Part, frozen=True, kw_only=True):
    """One duty that came with an allow."""

    id: str
    type: str
    properties: Mapping[str, tuple[str, ...] | int | str]


class Decision(Record, frozen=True, kw_only=True, tag="decision"):
    """One call, what was decided, and all that it takes to decide it again.

    `more` counts the reasons beyond those named. A reason with a mode or an exemption was softened
    by it; `would` is what the decision had been without the roll-out that let the call pass.
    `counted` is what the call added to the counter of each limit that applied.
    """

    caller: Caller
    call: Call
    facts: Facts
    snapshot: str
    source: str
    engine: str
    decision: str
    would: str | None = None
    reasons: tuple[Reason, ...]
    more: int = 0
    obligations: tuple[Obligation, ...]
    advice: tuple[Obligation, ...] = ()
    counted: Mapping[str, int] = {}
    valid_until: str | None = None


class Epoch(Record, frozen=True, kw_only=True, tag="epoch"):
    """The first record of a log; `previous` is the last checkpoint of the log it goes on from.

    `reason` is why that one could not be gone on with.
    """

    origin: str
    previous: str | None = None
    reason: str | None = None


class PolicyChange(Record, frozen=True, kw_only=True, tag="policy_change"):
    """From here on, decisions are taken by this snapshot.

    `reason` is `start`, `reload`, `init`, `publish`, `emergency`, `rollback` or `emergency-ended`.
    Where somebody put it in force: `by` their key, `why`, and the `change` that it is of; of an
    emergency, `until` says how long it may be without approvals.
    """

    snapshot: str
    previous: str | None = None
    source: str
    reason: str
    change: str | None = None
    by: str | None = None
    why: str | None = None
    until: str | None = None


class Admin(Record, frozen=True, kw_only=True, tag="admin"):
    """An act of administration: what was done, to what, by the holder of which key.

    Of a change of policy it says `why`, which `snapshot` it would put in force, what the review
    that was looked at found (its digest, `decision`), and for which `owner` somebody agreed.
    """

    act: str
    target: str
    by: str
    why: str | None = None
    snapshot: str | None = None
    decision: str | None = None
    owner: str | None = None


class Retention(Record, frozen=True, kw_only=True, tag="retention"):
    """Something was removed on purpose: `act` is `erase` or `prune`.

    Erased were `count` disclosures of `records` records, the first and last of which are `first`
    and the one before `end`; `names` are those of the members. Pruned were the records from
    `first` to before `end`, by the days that each kind is kept.
    """

    act: str
    by: str
    count: int
    first: int
    end: int
    records: int | None = None
    names: tuple[str, ...] = ()
    reason: str | None = None
    days: Mapping[str, int] = {}


class Scope(Part, frozen=True, kw_only=True):
    """What a hold is on: records of a subject or of a unit, records in a range, or both."""

    subject: str | None = None
    unit: str | None = None
    first: int | None = None
    end: int | None = None


class Hold(Record, frozen=True, kw_only=True, tag="hold"):
    """A legal hold was `placed` or `released`: nothing it is on may be erased or pruned."""

    act: str
    name: str
    by: str
    reason: str
    scope: Scope


class Query(Record, frozen=True, kw_only=True, tag="query"):
    """Somebody read the log or looked something up: who, what they asked for, how much they got.

    Of a search, `text` is the query, `ask` the kind of question, and `options` the rest of it.
    `role` is the one that let them ask; the records from `first` to before `end`, of a log of
    `size`, were looked at.
    """

    caller: Caller
    text: str
    rows: int
    ask: str | None = None
    options: Mapping[str, str] = {}
    role: str | None = None
    first: int | None = None
    end: int | None = None
    size: int | None = None


class Export(Record, frozen=True, kw_only=True, tag="export"):
    """Somebody takes records away: which, of a log of which size, in which form."""

    caller: Caller
    form: str
    first: int
    end: int
    size: int


class Unasked(Part, frozen=True, kw_only=True):
    """A call that ran without a decision, by its own description."""

    subject: str
    action: str
    dataset: str


REPORTED_WITHIN = timedelta(hours=24)
"""How long after its decision an outcome is taken."""


class Outcome(Record, frozen=True, kw_only=True, tag="outcome"):
    """What became of a call, as the holder of the key that got the decision says.

    `decision` is the id of its record and `index` the place of that in the log; where there was
    none, `call` says what ran. `status` is `ok` or `failed`, or whatever came of it
    `ran-despite-deny` or `ran-unasked`; `error` names a kind, not a case.
    """

    caller: Caller
    decision: str | None = None
    index: int | None = None
    call: Unasked | None = None
    status: str
    rows: int | None = None
    bytes: int | None = None
    error: str | None = None


class Refusal(Part, frozen=True, kw_only=True):
    """Requests of one address that were refused with one code, counted."""

    key: str | None = None
    address: str
    code: str
    count: int


class Refusals(Record, frozen=True, kw_only=True, tag="refusals", rename={"since": "from"}):
    """Requests that were refused before anything was decided."""

    since: str
    until: str
    counts: tuple[Refusal, ...]


_encode = msgspec.json.Encoder(order="sorted").encode


def stamped(stamp: Stamp) -> dict[str, Any]:
    """The members every record has: `Epoch(**stamped(stamp), origin=…)`."""
    return {"v": 1, "id": stamp.id, "ts": stamp.ts, "nonce": stamp.nonce}


def encode(record: Record) -> bytes:
    """The bytes of a record.

    Raises:
        RecordTooLarge: it is beyond `MAX_RECORD`.
    """
    return bounded(_encode(record))


def bounded(leaf: bytes) -> bytes:
    """The bytes of a record, if they are not too many.

    Raises:
        RecordTooLarge: they are more than `MAX_RECORD`.
    """
    if len(leaf) > MAX_RECORD:
        raise RecordTooLarge(
            f"a record of {len(leaf):,} bytes is beyond the {MAX_RECORD:,} a record may have: "
            "shorten the names and lists in the request, or in the policy it was judged by"
        )
    return leaf


def exact(number: int | None) -> int | None:
    """The number, if every JSON reader reads it alike.

    Raises:
        RecordTooLarge: it does not fit 53 bits.
    """
    if number is not None and abs(number) > _MAX_INTEGER:
        raise RecordTooLarge(f"a record has no place for numbers beyond {_MAX_INTEGER:,}")
    return number


def time_of(leaf: bytes) -> str:
    """The `ts` of a record's bytes, without reading the rest.

    Members are sorted, and those after `ts` hold no object, so the last one found is the
    record's own; inside a string the quotes would be escaped.
    """
    at = leaf.rindex(_TIME) + len(_TIME)
    return leaf[at : at + _TIME_BYTES].decode()


class _Identified(msgspec.Struct):
    id: str


_identified = msgspec.json.Decoder(_Identified).decode


def id_of(leaf: bytes) -> str:
    """The `id` of a record's bytes."""
    return _identified(leaf).id
