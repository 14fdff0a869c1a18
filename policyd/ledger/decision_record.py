"""The record of a decision, made from the call, the facts and the decision."""

from dataclasses import dataclass
from typing import NamedTuple

from policyd.ledger import record
from policyd.ledger.stamp import Stamp, timestamp
from policyd.model.call import Call
from policyd.model.decision import Decision, Obligation, Reason, Resolved
from policyd.model.facts import Facts, OwnerState
from policyd.model.labels import Vocabulary
from policyd.model.rules import Mode


class Request(NamedTuple):
    """Where a call came from: the network address, the id of the key, the PEP's request id."""

    address: str
    key: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """By what a decision was taken: enough to take it again.

    Attributes:
        snapshot: Digest of the policy tree.
        source: Where the tree came from, such as a folder.
        engine: Version of the engine and dates of the tables it reads.
        vocabulary: The words of the tree's labels.
    """

    snapshot: str
    source: str
    engine: str
    vocabulary: Vocabulary


def decision_record(
    stamp: Stamp, request: Request, call: Call, facts: Facts, decision: Decision, basis: Basis
) -> bytes:
    """The bytes to commit before *decision* is answered.

    Raises:
        RecordTooLarge: an input was not bounded when it was read.
    """
    until = decision.valid_until
    return record.encode(
        record.Decision(
            v=1,
            id=stamp.id,
            ts=stamp.ts,
            nonce=stamp.nonce,
            caller=record.Caller(key=request.key, address=request.address),
            call=_call(call, decision.resolved, basis.vocabulary, request.request_id),
            facts=_facts(facts, stamp),
            snapshot=basis.snapshot,
            source=basis.source,
            engine=basis.engine,
            decision="allow" if decision.allow else "deny",
            would="deny" if decision.would_deny else None,
            reasons=tuple(map(_reason, (*decision.reasons, *decision.softened))),
            more=decision.more,
            obligations=tuple(map(_obligation, decision.obligations)),
            advice=tuple(map(_obligation, decision.advice)),
            counted=decision.counted,
            valid_until=timestamp(until) if until else None,
        )
    )


def _facts(facts: Facts, stamp: Stamp) -> record.Facts:
    owner = None if facts.owner is OwnerState.ACTIVE else facts.owner.value
    now = stamp.ts if facts.now == stamp.at else timestamp(facts.now)
    return record.Facts(now=now, used=facts.used, owner=owner)


def _reason(each: Reason) -> record.Reason:
    return record.Reason(
        code=each.code,
        check=each.check,
        rule=each.rule,
        mode=None if each.mode is Mode.ENFORCE else each.mode.value,
        exemption=each.exemption,
    )


def _obligation(each: Obligation) -> record.Obligation:
    # There is one of each type at most, so the type is also the id.
    return record.Obligation(id=each.type, type=each.type, properties=each.properties)


def _call(
    call: Call, resolved: Resolved, vocabulary: Vocabulary, request_id: str | None
) -> record.Call:
    return record.Call(
        subject=call.subject.id,
        subject_type=_unless("integration", call.subject.type),
        action=call.action,
        dataset=call.resource.id,
        resource_type=_unless("dataset", call.resource.type),
        system=resolved.system,
        labels=record.Labels(asserted=call.labels, effective=vocabulary.words(resolved.label)),
        destination=_destination(call, resolved),
        unit=resolved.unit,
        roles=resolved.roles,
        stage=resolved.stage,
        template=resolved.template,
        sources=call.sources,
        on_behalf_of=tuple(record.Entity(type=each.type, id=each.id) for each in call.on_behalf_of),
        fields=call.fields,
        volume=_volume(call),
        purpose=call.purpose,
        traceparent=call.traceparent,
        request_id=request_id,
        supported_obligations=call.supported_obligations,
    )


def _destination(call: Call, resolved: Resolved) -> record.Destination:
    return record.Destination(
        sent=call.endpoint,
        path=call.path,
        method=call.method,
        canonical=str(resolved.url) if resolved.url else None,
        name=resolved.destination,
        zone=resolved.zone,
    )


def _volume(call: Call) -> record.Volume | None:
    if call.rows is None and call.bytes is None:
        return None
    return record.Volume(rows=record.exact(call.rows), bytes=record.exact(call.bytes))


def _unless(usual: str, kind: str) -> str | None:
    """The type, where it is not the usual one."""
    return None if kind == usual else kind
