"""An explanation in words, for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from policyd.cli.answer import several, unreadable
from policyd.cli.question import in_options
from policyd.model.decision import Reason
from policyd.model.explanation import (
    Check,
    DutyGround,
    ExemptionStanding,
    Explanation,
    FieldFlow,
    Ground,
    LimitUse,
    Miss,
    NearMiss,
    Outcome,
    Period,
)
from policyd.model.rules import Mode

Line = tuple[str, str]
"""A line of text and its style."""

_VERDICTS: Mapping[Outcome, Line] = {
    Outcome.PASSED: ("ok", "green"),
    Outcome.FAILED: ("FAILED", "bold red"),
    Outcome.SOFTENED: ("let pass", "yellow"),
    Outcome.NOT_ASKED: ("not asked", "dim"),
}
_STYLES = {"pass": "", "never": "red", "above-clearance": "red"}
_PERIODS = {Period.LIVE: "in force until {end}", Period.LAPSED: "ended {end}"}


def read_explanation(body: Mapping[str, Any]) -> Explanation:
    """The explanation in *body*.

    Raises:
        Unanswered: it is none that this version can read.
    """
    try:
        return msgspec.convert(body, Explanation)
    except msgspec.ValidationError as error:
        raise unreadable(error) from None


def lines(explained: Explanation, note: str) -> Iterator[Line]:
    """The explanation, line by line; *note* says what it is worth."""
    call = explained.call
    at = f" at {call.url}" if call.url else ""
    # Not in the colours of an answer, so that it does not look like one.
    yield f"WOULD {explained.would.upper()}  {call.subject} {call.action} {call.data}{at}", "bold"
    yield f"  {note}", ""
    yield from (_plain(f"  {each}") for each in _about(explained))
    yield "", ""
    for number, check in enumerate(explained.checks, start=1):
        yield from _check(number, check)
    if explained.more:
        yield f"and {explained.more} more reasons", ""
    for title, rows in (
        ("Fields", [_field(each) for each in explained.fields]),
        ("Duties", [_duty(each) for each in explained.duties]),
        ("Limits", [_limit(each) for each in explained.limits]),
        ("Exemptions written for this call", [_exemption(each) for each in explained.exemptions]),
    ):
        if rows:
            yield "", ""
            yield title, "bold"
            yield from ((f"  {text}", style) for text, style in rows)


def _plain(text: str) -> Line:
    return text, ""


def _about(explained: Explanation) -> Iterator[str]:
    """What is known of the caller, and what holds for the call as a whole."""
    call = explained.call
    if call.unit:
        known = [f"unit {call.unit}", call.stage or "", f"runs on {call.runs_on}"]
        known += [f"template {call.template}"] if call.template else []
        known += [f"roles {', '.join(call.roles)}"] if call.roles else []
        yield f"{call.subject}: {'; '.join(known)}"
    yield f"the data comes to rest in zone {call.zone}"
    if explained.windows:
        yield f"open now: {', '.join(explained.windows)}"
    if explained.rollout:
        yield f"let pass by a roll-out: {_where(explained.rollout)}"
    if explained.approvers:
        yield f"only an approval is missing, of {', '.join(explained.approvers)}"
    for due in explained.obligations:
        about = "; ".join(f"{name}: {several(each)}" for name, each in due.properties.items())
        yield f"would have to {due.type} ({about})"


def _check(number: int, check: Check) -> Iterator[Line]:
    word, style = _VERDICTS[check.outcome]
    yield f"{number:2}. {check.name:<11} {word:<9} {check.question}", style
    told: set[str] = set()
    for reason in check.reasons:
        ground = next((each for each in check.grounds if _is_of(reason, each)), None)
        yield from (_plain(f"      {each}") for each in _reason(reason, ground))
        told |= {ground.ref} if ground else set()
    for ground in check.grounds:
        if ground.ref not in told:
            yield f"      {_where(ground)}", "dim"
    for near in check.near:
        yield from _near(near)


def _is_of(reason: Reason, ground: Ground) -> bool:
    """Whether the reason is of that rule, or of a cell in the row of that zone."""
    return f"{reason.rule}/".startswith(f"{ground.ref}/")


def _reason(reason: Reason, ground: Ground | None) -> Iterator[str]:
    yield f"{in_options(reason.message)} [{reason.code}]"
    if ground and reason.rule == ground.ref:
        yield f"  rule: {_where(ground)}"
    elif reason.rule:
        place = f"  {ground.place.file}:{ground.place.line}" if ground and ground.place else ""
        yield f"  rule: {reason.rule}{place}  owner {reason.owner}"
    if reason.exemption:
        yield f"  lifted by exemption {reason.exemption}"
    elif reason.mode is not Mode.ENFORCE:
        yield f"  not in force: its mode is {reason.mode}"
    else:
        yield f"  fix: {in_options(reason.fix)}"
    yield f"  contact: {reason.contact}"


def _near(near: NearMiss) -> Iterator[Line]:
    yield f"      nearly: {_where(near.ground)}", "cyan"
    for miss in near.misses:
        yield f"        {_miss(miss)}", ""
        yield f"          {miss.hint}", ""


def _miss(miss: Miss) -> str:
    wants, has = several(miss.wants), several(miss.has)
    return f"{miss.word}: the policy has {wants or 'none'}; the call has {has or 'none'}"


def _where(ground: Ground) -> str:
    """A ground with its place, owner and mode, on a line."""
    place = f"  {ground.place.file}:{ground.place.line}" if ground.place else ""
    soft = f"  ({ground.mode} until {ground.until:%Y-%m-%d %H:%M})" if ground.until else ""
    return f"{ground.ref}{place}  owner {ground.owner}{soft}"


def _field(flow: FieldFlow) -> Line:
    name = flow.field or "all fields"
    raised = f", raised to {' '.join(flow.label)}" if flow.label != flow.catalogued else ""
    by = f" by {flow.cell}" if flow.cell else ""
    text = f"{name}: {' '.join(flow.catalogued)}{raised}: {flow.outcome}{by}"
    return text, _STYLES.get(flow.outcome, "yellow")


def _duty(duty: DutyGround) -> Line:
    about = [*duty.fields, *([duty.value] if duty.value else [])]
    can = "declared by the caller" if duty.supported else "not declared by the caller"
    return f"{duty.type} {several(about)}: {can}: {_where(duty.ground)}", ""


def _limit(use: LimitUse) -> Line:
    adds = "unsaid" if use.adds is None else f"{use.adds:,}"
    of = f"{use.used:,} of {use.amount:,} {use.measure} used"
    return f"{of} per {use.per} and {use.for_each}, this adds {adds}: {_where(use.ground)}", ""


def _exemption(each: ExemptionStanding) -> Line:
    when = _PERIODS.get(each.period, "begins {start}")
    times = {"start": f"{each.start:%Y-%m-%d %H:%M}", "end": f"{each.end:%Y-%m-%d %H:%M}"}
    place = f"  {each.place.file}:{each.place.line}" if each.place else ""
    by = f"{each.ticket}, approved by {several(each.approved_by)}"
    style = "" if each.period is Period.LIVE else "dim"
    return f"{each.id} lifts {each.lifts}, {when.format_map(times)} ({by}){place}", style
