"""What failed in a policy test, in lines for people."""

from collections.abc import Iterator

from policyd.model.call import Call
from policyd.model.explanation import Check, Explanation
from policyd.review.policy_tests import Failure, Result, Verdict

_COVERING = {"ceiling", "template", "unit"}
_UNASKED = {
    Verdict.SKIPPED: "skipped",
    Verdict.NOT_PROVED: "not proved",
    Verdict.ERROR: "could not be asked",
}


def unasked(result: Result) -> Iterator[str]:
    """Why there is no answer, where there is none."""
    word = _UNASKED.get(result.verdict, "not proved besides")
    yield from (f"{word}: {each}" for each in result.gaps)


def call_words(call: Call) -> str:
    """`hr/pay-run send payroll/payslips (name) at payroll-bureau/inbox`."""
    fields = f" ({', '.join(call.fields)})" if call.fields else ""
    where = f" at {call.endpoint}" if call.endpoint else ""
    return f"{call.subject.id} {call.action} {call.resource.id}{fields}{where}"


def decided_by(failure: Failure) -> Iterator[str]:
    """The values that decided a call which came out in another way, and what would turn it."""
    told = failure.explanation
    if told is None:
        return
    yield _values(told)
    for check in told.checks:
        yield from _said(check, is_allowed=told.would == "allow")
    if failure.matched:
        yield f"matched: {', '.join(failure.matched)}"
    if failure.flip:
        other = "deny" if told.would == "allow" else "allow"
        yield f"without {failure.flip} it would be: {other}"


def _values(told: Explanation) -> str:
    """What the tree knows of the call."""
    call = told.call
    about = {
        "roles": ", ".join(call.roles),
        "template": call.template,
        "stage": call.stage,
        "destination": call.destination,
        "zone": call.zone,
        "open": ", ".join(told.windows),
    }
    return "; ".join(f"{name}: {value}" for name, value in about.items() if value)


def _said(check: Check, *, is_allowed: bool) -> Iterator[str]:
    """What one check has against the call, or of an allowed one, what covers it."""
    for reason in check.reasons:
        yield f"{check.name}: {reason.message} [{reason.code}]"
    if is_allowed and check.name in _COVERING:
        for ground in check.grounds:
            where = f"  {ground.place.file}:{ground.place.line}" if ground.place else ""
            yield f"{check.name}: allowed by {ground.ref}{where}"
    for near in check.near:
        words = ", ".join(miss.word for miss in near.misses)
        yield f"{check.name}: {near.ground.ref} would allow it but for its {words}"
