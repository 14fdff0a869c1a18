"""Recorded calls: what the record of a decision says was asked, known and decided.

A decision reads nothing that may be kept apart from its record and erased, so a record is always
enough to take the decision again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from policyd.model.call import Call, Entity
from policyd.model.decision import Obligation
from policyd.model.facts import Facts, OwnerState

UNDECIDED = frozenset({"not-evaluated", "item-malformed", "engine-error"})
"""Reasons of which one means that the call was never decided."""


class Recorded(NamedTuple):
    """A call as it was recorded, with the facts and the decision of that moment."""

    call: Call
    facts: Facts
    allow: bool
    obligations: tuple[Obligation, ...]
    against: tuple[str, ...] = ()  # what stood against it: rules, or codes where there is none


class Head(msgspec.Struct):
    """The part of a record that tells where a call belongs; only decisions have a call."""

    id: str
    ts: str
    kind: str
    nonce: str
    snapshot: str = ""
    call: "_Flow | None" = None


class _Flow(msgspec.Struct):
    action: str
    dataset: str
    subject: str = ""


class _Entity(msgspec.Struct):
    type: str
    id: str = ""


class _Labels(msgspec.Struct):
    asserted: tuple[str, ...] = ()


class _Destination(msgspec.Struct):
    sent: str | None = None
    path: str | None = None
    method: str | None = None


class _Volume(msgspec.Struct):
    rows: int | None = None
    bytes: int | None = None


class _Call(msgspec.Struct):
    action: str
    dataset: str
    labels: _Labels
    destination: _Destination
    subject: str = ""
    subject_type: str = "integration"
    resource_type: str = "dataset"
    sources: tuple[str, ...] = ()
    on_behalf_of: tuple[_Entity, ...] = ()
    fields: tuple[str, ...] = ()
    volume: _Volume = msgspec.field(default_factory=_Volume)
    purpose: str | None = None
    traceparent: str | None = None
    supported_obligations: tuple[str, ...] = ()


class _Facts(msgspec.Struct):
    now: datetime
    used: Mapping[str, int] = {}
    owner: OwnerState = OwnerState.ACTIVE


class _Reason(msgspec.Struct):
    code: str
    rule: str | None = None
    mode: str | None = None
    exemption: str | None = None

    @property
    def is_in_force(self) -> bool:
        """Whether it stood against the call: nothing softened or lifted it."""
        return self.mode is None and self.exemption is None


class _Obligation(msgspec.Struct):
    type: str
    properties: Mapping[str, tuple[str, ...] | int | str]


class _Decision(msgspec.Struct):
    call: _Call
    facts: _Facts
    decision: str
    reasons: tuple[_Reason, ...] = ()
    obligations: tuple[_Obligation, ...] = ()


head_of = msgspec.json.Decoder(Head).decode
_decode = msgspec.json.Decoder(_Decision).decode


def recorded(leaf: bytes) -> Recorded | None:
    """The call of a decision's record; None if it was never decided.

    Raises:
        msgspec.MsgspecError: the record is none of this version.
    """
    read = _decode(leaf)
    if any(each.code in UNDECIDED for each in read.reasons):
        return None
    return Recorded(
        call=_call(read.call),
        facts=Facts(read.facts.now, read.facts.used, read.facts.owner),
        allow=read.decision == "allow",
        obligations=tuple(Obligation(each.type, each.properties) for each in read.obligations),
        against=_against(read.reasons),
    )


def _against(reasons: tuple[_Reason, ...]) -> tuple[str, ...]:
    found = (each.rule or each.code for each in reasons if each.is_in_force)
    return tuple(dict.fromkeys(found))


def _call(said: _Call) -> Call:
    return Call(
        subject=Entity(said.subject_type, said.subject),
        action=said.action,
        resource=Entity(said.resource_type, said.dataset),
        fields=said.fields,
        labels=said.labels.asserted,
        endpoint=said.destination.sent,
        path=said.destination.path,
        method=said.destination.method,
        sources=said.sources,
        on_behalf_of=tuple(Entity(each.type, each.id) for each in said.on_behalf_of),
        rows=said.volume.rows,
        bytes=said.volume.bytes,
        purpose=said.purpose,
        traceparent=said.traceparent,
        supported_obligations=said.supported_obligations,
    )
