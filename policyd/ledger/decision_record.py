"""The record of a decision, made from the call, the facts and the decision."""

from dataclasses import dataclass

from policyd.ledger import record
from policyd.ledger.stamp import Stamp, timestamp
from policyd.model.call import Call
from policyd.model.decision import Decision, Resolved
from policyd.model.facts import Facts
from policyd.model.labels import Vocabulary


@dataclass(frozen=True, slots=True)
class Request:
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
            **record.stamped(stamp),
            caller=record.Caller(key=request.key, address=request.address),
            call=_call(call, decision.resolved, basis.vocabulary, request.request_id),
            facts=record.Facts(now=timestamp(facts.now)),
            snapshot=basis.snapshot,
            source=basis.source,
            engine=basis.engine,
            decision="allow" if decision.allow else "deny",
            reasons=tuple(
                record.Reason(code=each.code, check=each.check, rule=each.rule)
                for each in decision.reasons
            ),
            more=decision.more,
            obligations=tuple(
                # There is one of each type at most, so the type is also the id.
                record.Obligation(id=each.type, type=each.type, properties=each.properties)
                for each in decision.obligations
            ),
            valid_until=timestamp(until) if until else None,
        )
    )


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
