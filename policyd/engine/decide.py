"""The decision: an intersection of layers, each asked once, with everything that is in the way."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from policyd.engine.access import AccessRules
from policyd.engine.calendar import steady_until, wall_clock
from policyd.engine.case import Case, Source, ask_layers, owner_forbids
from policyd.engine.checks import (
    check_access,
    check_complete,
    check_destination,
    check_limits,
    check_registered,
    check_sources,
    check_units,
    measure,
)
from policyd.engine.destination import DestinationTable
from policyd.engine.duties import APPROVAL, Duty, duties_of, merged
from policyd.engine.exemptions import Exemptions
from policyd.engine.flow import check_flow, flow_into
from policyd.engine.resolve import Asked, resolve
from policyd.engine.softening import is_let_pass, soften, soften_by_mode
from policyd.engine.wording import Wording
from policyd.model.call import Call, Entity
from policyd.model.decision import Decision, Obligation, Reason
from policyd.model.facts import Facts
from policyd.model.rules import Mode
from policyd.model.snapshot import Snapshot

MAX_REASONS = 24
"""Reasons named in one decision; with it, a record stays under 16 KiB."""


class Engine:
    """A snapshot made ready to decide. Holds no state of calls: swap it, never change it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._table = DestinationTable(snapshot.destinations)
        self._exemptions = Exemptions(snapshot)
        self._ends = frozenset(_common_ends(snapshot))
        groups = {name: who.names for name, who in snapshot.integrations.items()}
        self._rules = AccessRules(snapshot.rules.values(), groups, snapshot.vocabulary)

    def open(self, call: Call, now: datetime) -> Case:
        """The case of *call* at *now* (aware UTC): the counters it needs can be read off it."""
        asked = resolve(self.snapshot, self._table, call, now)
        return Case(
            snapshot=self.snapshot,
            asked=asked,
            clock=wall_clock(self.snapshot.calendar, now),
            layers=ask_layers(self.snapshot, self._rules, asked),
            sources=tuple(self._sources(asked, now)),
            exemptions=self._exemptions,
        )

    def decide(self, call: Call, facts: Facts) -> Decision:
        """The decision on *call*: a pure function of the call, the snapshot and the facts."""
        return self.judge(self.open(call, facts.now), facts)

    def judge(self, case: Case, facts: Facts) -> Decision:
        """The decision on a case that was opened at `facts.now`."""
        found = _look(case, facts)
        reasons = tuple(each for each in found.reasons if each.is_in_force)
        passes = bool(reasons) and is_let_pass(case, reasons)
        allow = not reasons or passes
        return Decision(
            allow=allow,
            reasons=reasons[:MAX_REASONS],
            more=max(0, len(reasons) - MAX_REASONS),
            softened=tuple(e for e in found.reasons if not e.is_in_force)[:MAX_REASONS],
            obligations=_carried(case, found.owed, passes=passes) if allow else (),
            advice=found.advised if allow else (),
            would_deny=passes,
            approval=_approval(found.duties, reasons),
            resolved=case.asked.resolved(),
            counted=_counted(case) if allow else {},
            valid_until=steady_until(
                self.snapshot.calendar, facts.now, (*self._ends, *_own_ends(case))
            )
            if allow
            else None,
        )

    def _sources(self, asked: Asked, now: datetime) -> Iterator[Source]:
        """Each source of a write, as a send to where the write goes."""
        call, who = asked.call, asked.integration
        if who is None or call.action != "write":
            return
        for dataset in call.sources:
            as_send = replace(
                call, action="send", resource=Entity("dataset", dataset), fields=(), sources=()
            )
            sent = replace(resolve(self.snapshot, self._table, as_send, now), zone=asked.zone)
            yield Source(
                sent,
                self._rules.matches("guardrail", sent),
                owner_forbids(self.snapshot, self._rules, sent, who),
            )


@dataclass(frozen=True, slots=True)
class _Found:
    """What all checks together found."""

    reasons: tuple[Reason, ...]
    duties: tuple[Duty, ...]
    owed: tuple[Obligation, ...]
    advised: tuple[Obligation, ...]


def _look(case: Case, facts: Facts) -> _Found:
    words, who = Wording(case.snapshot, case.asked), case.asked.integration
    if who is None:
        # Nothing can be said of the access of someone unknown; each layer would only repeat it.
        return _Found((words.reason("integration-unregistered"),), (), (), ())
    flow = flow_into(case.asked.zone, case.asked, case.is_lifted)
    duties = (*flow.duties(), *required(case))
    owed = merged(duty for duty in duties if duty.mode is Mode.ENFORCE)
    before = (
        *check_registered(words, case, who, facts),
        *check_complete(words, case),
        *check_access(words, case),
        *check_destination(words, case, who.names),
        *check_flow(words, case.asked, flow),
    )
    after = (
        *check_limits(words, case, facts),
        *check_units(words, case),
        *_check_duties(words, case, duties, owed),
    )
    return _Found(
        (
            *(soften(each, case) for each in before),
            *(soften_by_mode(each, case) for each in check_sources(words, case)),
            *(soften(each, case) for each in after),
        ),
        duties,
        owed,
        merged(duty for duty in duties if duty.mode is Mode.WARN),
    )


def required(case: Case) -> Iterator[Duty]:
    """Duties of the `require` rules that apply, but those an exemption lifts."""
    for ref in case.layers.duties():
        rule = case.snapshot.rules[ref]
        mode = rule.softening.at(case.clock) if rule.softening else Mode.ENFORCE
        if not case.is_lifted(ref):
            yield from duties_of(rule, case.asked, mode)


def _check_duties(
    words: Wording, case: Case, duties: Iterable[Duty], owed: Iterable[Obligation]
) -> Iterator[Reason]:
    """Whatever is owed the caller can do; whatever needs an approval has none yet."""
    for duty in duties:
        rule = case.snapshot.rules.get(duty.rule)
        if rule and duty.mode is not Mode.ENFORCE:
            yield words.of_rule("duty-softened", rule, duty=duty.type)
        elif rule and duty.type == APPROVAL:
            yield words.of_rule("approval-required", rule, approver=duty.value)
    for each in owed:
        if "fields" in each.properties and None in case.asked.marks:
            yield words.reason("fields-not-named", duty=each.type)
        if each.type not in case.asked.call.supported_obligations:
            yield words.reason("obligation-unsupported", duty=each.type)


def _carried(case: Case, owed: tuple[Obligation, ...], *, passes: bool) -> tuple[Obligation, ...]:
    """The obligations of an allow; one that a roll-out let pass carries what the caller can do."""
    can = case.asked.call.supported_obligations
    return tuple(each for each in owed if not passes or each.type in can)


def _approval(duties: Iterable[Duty], reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    """Whose approval is missing, if nothing else is."""
    if not reasons or any(each.code != "approval-required" for each in reasons):
        return ()
    refs = {each.rule for each in reasons}
    return tuple(sorted({str(d.value) for d in duties if d.type == APPROVAL and d.rule in refs}))


def _counted(case: Case) -> dict[str, int]:
    """What this call adds to the counter of each rolling limit that applies."""
    counted = {}
    for ref, bucket in case.buckets().items():
        limit = case.snapshot.rules[ref].limit
        counted[bucket] = (measure(case, limit.measure) or 0) if limit else 0
    return counted


def _own_ends(case: Case) -> Iterator[datetime]:
    """Wall-clock moments at which something ends for the case's integration or its unit."""
    snapshot, whose = case.snapshot, [each for each in (case.asked.integration,) if each]
    yield from (who.until for who in whose if who.until)
    units = (snapshot.units[who.unit] for who in whose)
    yield from (each.until for unit in units for each in (unit.softening, unit.rollout) if each)


def _common_ends(snapshot: Snapshot) -> Iterator[datetime]:
    """Wall-clock moments at which an exemption, a rule's mode or the roll-out begins or ends."""
    yield from (each.start for each in snapshot.exemptions.values())
    yield from (each.end for each in snapshot.exemptions.values())
    yield from (snapshot.rollout.until,) if snapshot.rollout else ()
    yield from (each.softening.until for each in snapshot.rules.values() if each.softening)
