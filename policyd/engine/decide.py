"""The decision: an intersection of layers, each asked once, with everything that is in the way."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from policyd.engine.access import AccessRules
from policyd.engine.calendar import Timetable
from policyd.engine.case import Case, Outlook
from policyd.engine.checks import (
    check_complete,
    check_destination,
    check_limits,
    check_registered,
    check_sources,
    measure,
)
from policyd.engine.duties import APPROVAL, Duty
from policyd.engine.opening import FLOWS, Opener
from policyd.engine.outlook import of_duty, outlook_of
from policyd.engine.softening import is_let_pass, soften, soften_by_mode
from policyd.engine.wording import Wording
from policyd.model.call import Call
from policyd.model.decision import Decision, Obligation, Reason
from policyd.model.facts import Facts
from policyd.model.rules import Mode
from policyd.model.snapshot import Snapshot

MAX_REASONS = 24
"""Reasons named in one decision; with it, a record stays under 16 KiB."""


class Engine:
    """A snapshot made ready to decide. Holds no state of calls: swap it, never change it.

    What it finds about the last *flows* (`opening`) is remembered; that changes no decision.
    """

    def __init__(
        self, snapshot: Snapshot, before: AccessRules | None = None, *, flows: int = FLOWS
    ) -> None:
        """Make *snapshot* ready; rules that it shares with *before* are so already."""
        self.snapshot = snapshot
        self._flows = flows
        self._opener = Opener(snapshot, flows, before)
        self._timetable = Timetable(snapshot.calendar, _common_ends(snapshot))

    def successor(self, snapshot: Snapshot) -> "Engine":
        """The engine of another snapshot, ready sooner the more rules the two share."""
        return Engine(snapshot, self._opener.rules, flows=self._flows)

    def pieces(self) -> list[object]:
        """What is large in it, in pieces: whoever lets go of it can do so a little at a time."""
        return self._opener.rules.pieces()

    def open(self, call: Call, now: datetime) -> Case:
        """The case of *call* at *now* (aware UTC): the counters it needs can be read off it."""
        minute = self._timetable.at(now)
        return self._opener.open(call, minute.clock(now), minute.windows)

    def decide(self, call: Call, facts: Facts) -> Decision:
        """The decision on *call*: a pure function of the call, the snapshot and the facts."""
        return self.judge(self.open(call, facts.now), facts)

    def judge(self, case: Case, facts: Facts) -> Decision:
        """The decision on a case that was opened at `facts.now`."""
        found, ahead = _look(case, facts)
        reasons = tuple([each for each in found if each.is_in_force])
        softened = [each for each in found if not each.is_in_force]
        passes = bool(reasons) and is_let_pass(case, reasons)
        allow = not reasons or passes
        return Decision(
            allow=allow,
            reasons=reasons[:MAX_REASONS],
            more=max(0, len(reasons) - MAX_REASONS),
            softened=tuple(softened[:MAX_REASONS]),
            obligations=_carried(case, ahead.owed, passes=passes) if allow else (),
            advice=ahead.advised if allow else (),
            would_deny=passes,
            approval=() if allow else _approval(ahead.duties, reasons),
            resolved=case.asked.resolved(),
            counted=_counted(case) if allow else {},
            valid_until=self._steady_until(case, facts.now) if allow else None,
        )

    def _steady_until(self, case: Case, now: datetime) -> datetime:
        return self._timetable.steady_until(now, case.prospect.ends)


_NO_OUTLOOK = Outlook((), (), (), (), (), (), ())


def _look(case: Case, facts: Facts) -> tuple[Sequence[Reason], Outlook]:
    """What all checks together found, softened where it is."""
    words, who = Wording(case.snapshot, case.asked), case.asked.integration
    if who is None:
        # Nothing can be said of the access of someone unknown; each layer would only repeat it.
        return (words.reason("integration-unregistered"),), _NO_OUTLOOK
    ahead = case.prospect.outlook or outlook_of(words, case)
    place = check_destination(words, case, who.names)
    is_listed = case.asked.endpoint.destination is not None
    before = chain(
        check_registered(words, case, who, facts),
        check_complete(words, case),
        # Of an endpoint on no list nothing can be granted: the cause stands before what follows.
        *((ahead.access, place) if is_listed else (place, ahead.access)),
        ahead.flow,
    )
    after = chain(
        check_limits(words, case, facts),
        ahead.units,
        _check_duties(words, case, ahead),
        ahead.lifted,
    )
    reasons = [soften(each, case) for each in before]
    if case.sources:
        reasons += [soften_by_mode(each, case) for each in check_sources(words, case)]
    reasons += [soften(each, case) for each in after]
    return reasons, ahead


def _check_duties(words: Wording, case: Case, ahead: Outlook) -> Iterator[Reason]:
    """Whatever is owed the caller can do; whatever needs an approval has none yet."""
    for duty in ahead.duties:
        rule = case.snapshot.rules.get(duty.rule)
        if rule and (duty.type == APPROVAL or duty.mode is not Mode.ENFORCE):
            yield of_duty(words, rule, duty)
    for each in ahead.owed:
        if "fields" in each.properties and None in case.asked.marks:
            yield words.reason("fields-not-named", duty=each.type)
        if each.type not in case.asked.call.supported_obligations:
            fields = each.properties.get("fields")
            about = f" of {words.fields(fields)}" if fields and isinstance(fields, tuple) else ""
            yield words.reason("obligation-unsupported", duty=each.type, about=about)


def _carried(case: Case, owed: tuple[Obligation, ...], *, passes: bool) -> tuple[Obligation, ...]:
    """The obligations of an allow; one that a roll-out let pass carries what the caller can do."""
    if not passes:
        return owed
    can = case.asked.call.supported_obligations
    return tuple(each for each in owed if each.type in can)


def _approval(duties: Iterable[Duty], reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    """Whose approval is missing, if nothing else is."""
    if not reasons or any(each.code != "approval-required" for each in reasons):
        return ()
    refs = {each.rule for each in reasons}
    return tuple(sorted({str(d.value) for d in duties if d.type == APPROVAL and d.rule in refs}))


def _counted(case: Case) -> dict[str, int]:
    """What this call adds to the counter of each rolling limit that applies."""
    buckets, limits = case.buckets(), case.prospect.limits
    return {
        buckets[rule.ref]: measure(case, limit.measure) or 0
        for rule, limit in limits
        if rule.ref in buckets
    }


def _common_ends(snapshot: Snapshot) -> Iterator[datetime]:
    """Wall-clock moments at which an exemption, a rule's mode or the roll-out begins or ends."""
    yield from (each.start for each in snapshot.exemptions.values())
    yield from (each.end for each in snapshot.exemptions.values())
    yield from (snapshot.rollout.until,) if snapshot.rollout else ()
    yield from (each.softening.until for each in snapshot.rules.values() if each.softening)
