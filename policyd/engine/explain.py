"""Explaining a decision: each check with what it goes by, and what nearly covered the call.

INVARIANT: an explanation is written from the case that was judged and from its decision, so that
it can never tell of another outcome than the check would have.
"""

from collections.abc import Iterator

from policyd.engine.case import GUARDRAIL, Case
from policyd.engine.checks import check_sources, measure
from policyd.engine.decide import Engine
from policyd.engine.duties import Duty
from policyd.engine.flow import CLEARANCE, Flow, cell, flow_into
from policyd.engine.grounds import Grounds
from policyd.engine.nearly import near_places, near_rules
from policyd.engine.outlook import required
from policyd.engine.wording import Wording
from policyd.model.decision import Decision, Reason
from policyd.model.destinations import Zone
from policyd.model.explanation import (
    Check,
    DutyGround,
    ExemptionStanding,
    Explanation,
    FieldFlow,
    Ground,
    LimitUse,
    NearMiss,
    Outcome,
    Period,
    ResolvedCall,
)
from policyd.model.facts import Facts

_QUESTIONS = {
    "registered": "Is it a registered integration that somebody answers for?",
    "complete": "Does the call say what its action needs?",
    "forbid": "Does no guardrail forbid it?",
    "ceiling": "Does a guardrail let it go so far?",
    "template": "Is it inside the integration's template?",
    "destination": "Is the endpoint listed for this caller and method?",
    "label-flow": "May this data come to rest there?",
    "sources": "May the data that a write brings with it come to rest there?",
    "limit": "Has every limit room for it?",
    "unit": "Does the caller's unit allow it?",
    "data-owner": "Does the unit that owns the data not forbid it?",
    "obligation": "Can the caller do all that is owed?",
}
"""Every check in the order of the decision, and what it asks."""


def explain(engine: Engine, case: Case, facts: Facts) -> Explanation:
    """How the decision on *case*, opened at `facts.now`, comes about."""
    decision = engine.judge(case, facts)
    return _Explaining(case, facts, decision).explanation()


class _Explaining:
    """One explanation in the making."""

    def __init__(self, case: Case, facts: Facts, decision: Decision) -> None:
        self._case = case
        self._facts = facts
        self._decision = decision
        self._grounds = Grounds(case.snapshot, case.clock)
        self._flow = flow_into(case.asked.zone, case.asked, case.is_lifted)
        self._reasons = _by_check(case, decision)

    def explanation(self) -> Explanation:
        case, decision = self._case, self._decision
        return Explanation(
            would="allow" if decision.allow else "deny",
            at=self._facts.now,
            snapshot=case.snapshot.digest,
            call=_called(case),
            windows=tuple(sorted(case.asked.windows)),
            checks=tuple(self._check(name) for name in _QUESTIONS if self._applies(name)),
            more=decision.more,
            fields=tuple(self._fields()),
            duties=tuple(self._duties()),
            obligations=decision.obligations,
            advice=decision.advice,
            limits=tuple(self._limits()),
            exemptions=tuple(self._exemptions()),
            rollout=self._rollout() if decision.would_deny else None,
            approvers=decision.approval,
            valid_until=decision.valid_until,
        )

    def _applies(self, name: str) -> bool:
        """Templates and sources are asked about only where there are any."""
        if name == "template":
            return self._case.layers.template is not None
        return name != "sources" or bool(self._case.sources)

    def _check(self, name: str) -> Check:
        reasons = self._reasons.get(name, ())
        grounds = tuple(self._grounds_of(name))
        near = tuple(self._near(name)) if reasons else ()
        return Check(name, _QUESTIONS[name], self._outcome(reasons), grounds, reasons, near)

    def _outcome(self, reasons: tuple[Reason, ...]) -> Outcome:
        if not reasons:
            # Of an unknown integration nothing but that is looked at.
            is_unknown = self._case.asked.integration is None
            return Outcome.NOT_ASKED if is_unknown else Outcome.PASSED
        is_failed = any(each.is_in_force for each in reasons)
        return Outcome.FAILED if is_failed else Outcome.SOFTENED

    def _grounds_of(self, name: str) -> Iterator[Ground]:
        """What the check goes by."""
        case, grounds = self._case, self._grounds
        layers, who, place = case.layers, case.asked.integration, case.asked.endpoint.destination
        refs = {
            "forbid": layers.guardrail.forbids,
            "ceiling": layers.guardrail.allows,
            "template": layers.template.allows + layers.template.forbids if layers.template else (),
            "unit": layers.unit.allows + layers.unit.forbids,
            "data-owner": layers.data_owner.forbids,
            "limit": tuple(layers.limits()),
            "obligation": tuple(layers.duties()),
        }
        yield from (grounds.rule(ref) for ref in refs.get(name, ()))
        if name == "registered" and who:
            yield grounds.integration(who.id)
        if name == "destination" and place:
            yield grounds.destination(place.name)
        if name in {"label-flow", "sources"}:
            yield grounds.zone(case.asked.zone.name)

    def _near(self, name: str) -> tuple[NearMiss, ...]:
        """What nearly covered the call, where nothing did."""
        case, who = self._case, self._case.asked.integration
        layers = case.layers
        if name == "destination":
            return near_places(self._grounds, case.asked)
        if name == "ceiling" and who and not layers.guardrail.allows:
            return near_rules(self._grounds, GUARDRAIL, case.asked, who)
        if name == "unit" and who and not layers.unit.allows:
            return near_rules(self._grounds, f"unit:{who.unit}", case.asked, who)
        if name == "template" and who and layers.template and not layers.template.allows:
            return near_rules(self._grounds, f"template:{who.template}", case.asked, who)
        return ()

    def _fields(self) -> Iterator[FieldFlow]:
        asked, words = self._case.asked, self._case.snapshot.vocabulary.words
        for name, mark in asked.marks.items():
            outcome, where = _flow_of(asked.zone, self._flow, name)
            yield FieldFlow(name, words(asked.catalogued[name]), words(mark), outcome, where)

    def _duties(self) -> Iterator[DutyGround]:
        if self._case.asked.integration is None:
            return
        for duty in (*self._flow.duties(), *required(self._case)):
            yield DutyGround(
                type=duty.type,
                ground=self._grounds.any(duty.rule),
                fields=tuple(sorted(each for each in duty.fields if each is not None)),
                value=str(duty.value) if duty.value else None,
                supported=self._is_supported(duty),
            )

    def _is_supported(self, duty: Duty) -> bool:
        return duty.type in self._case.asked.call.supported_obligations

    def _limits(self) -> Iterator[LimitUse]:
        case = self._case
        rules = (case.snapshot.rules[ref] for ref in case.layers.limits())
        for rule, limit in ((each, each.limit) for each in rules if each.limit):
            yield LimitUse(
                ground=self._grounds.rule(rule.ref),
                measure=limit.measure,
                amount=limit.amount,
                per=limit.per,
                for_each=limit.for_each,
                used=self._facts.used.get(rule.ref, 0),
                adds=measure(case, limit.measure),
            )

    def _exemptions(self) -> Iterator[ExemptionStanding]:
        case = self._case
        for each in case.exemptions.about(case.asked):
            period = Period.LIVE if case.clock < each.end else Period.LAPSED
            yield ExemptionStanding(
                id=each.id,
                lifts=each.lifts,
                period=Period.UPCOMING if case.clock < each.start else period,
                start=each.start,
                end=each.end,
                ticket=each.ticket,
                reason=each.reason,
                approved_by=each.approved_by,
                place=case.snapshot.places.get(f"exemption:{each.id}"),
            )

    def _rollout(self) -> Ground | None:
        """The roll-out that lets the call pass: the company's, else the unit's."""
        case, who = self._case, self._case.asked.integration
        of_unit = {who.unit: case.snapshot.units[who.unit].rollout} if who else {}
        found = {"company": case.snapshot.rollout, **of_unit}
        live = {name: each for name, each in found.items() if each and case.clock < each.until}
        return next((self._grounds.rollout(name, each) for name, each in live.items()), None)


def _by_check(case: Case, decision: Decision) -> dict[str, tuple[Reason, ...]]:
    """The reasons by the check that gave them; those about the sources of a write are apart."""
    of_sources = {each.message for each in check_sources(Wording(case.snapshot, case.asked), case)}
    found: dict[str, tuple[Reason, ...]] = {}
    for reason in (*decision.reasons, *decision.softened):
        name = "sources" if reason.message in of_sources else reason.check
        found[name] = (*found.get(name, ()), reason)
    return found


def _flow_of(zone: Zone, flow: Flow, name: str | None) -> tuple[str, str | None]:
    """What the flow table does with one field, and the cell that does it."""
    for category, fields in sorted(flow.never.items()):
        if name in fields:
            return "never", cell(zone, category)
    if name in flow.above:
        return "above-clearance", cell(zone, CLEARANCE)
    if name in flow.treated:
        treatment, ref = flow.treated[name]
        return treatment.word, ref
    return "pass", None


def _called(case: Case) -> ResolvedCall:
    asked = case.asked
    who, endpoint = asked.integration, asked.endpoint
    return ResolvedCall(
        subject=asked.call.subject.id,
        unit=who.unit if who else None,
        template=who.template if who else None,
        stage=who.stage if who else None,
        runs_on=who.runs_on if who else None,
        roles=who.roles if who else (),
        action=asked.call.action,
        data=asked.call.resource.id,
        system_kind=asked.system_kind,
        url=str(endpoint.url) if endpoint.url else None,
        destination=endpoint.destination.name if endpoint.destination else None,
        zone=asked.zone.name,
    )
