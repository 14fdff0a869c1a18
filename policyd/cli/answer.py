"""An answer to a check: read as a whole before anything is concluded, then told in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from policyd.cli.output import say
from policyd.cli.question import in_options
from policyd.cli.server import Unanswered


class Reason(msgspec.Struct):
    """Why not, and what to do about it."""

    code: str
    message: str
    fix: str
    contact: str
    rule: str | None = None


class _Duty(msgspec.Struct):
    type: str
    properties: dict[str, list[str] | int | str] = {}  # fields, rows, or a time such as `15m`


class _AccessRequest(msgspec.Struct):
    approvers: list[str]


class _Context(msgspec.Struct):
    obligations: list[_Duty] = []
    advice: list[_Duty] = []
    would: Literal["deny"] | None = None
    reasons: list[Reason] = []
    more_reasons: int = 0
    access_request: _AccessRequest | None = None
    valid_until: str | None = None


class Answer(msgspec.Struct):
    """What a server says of a call, in the shape of AuthZEN."""

    decision: bool
    context: _Context = msgspec.field(default_factory=_Context)


def read_answer(body: Mapping[str, Any]) -> Answer:
    """The answer in *body*.

    Raises:
        Unanswered: it is none that this version can read, so nothing is allowed.
    """
    try:
        return msgspec.convert(body, Answer)
    except msgspec.ValidationError as error:
        raise unreadable(error) from None


def unreadable(why: object) -> Unanswered:
    """The error for an answer that this version cannot read."""
    return Unanswered(
        f"the answer cannot be read: {why}",
        code="answer-unreadable",
        hint="correct --url or POLICYD_URL, or use the policyd of the server's version",
    )


def show(answer: Answer, call: str, *, note: str = "") -> None:
    """Print *answer* to the question about *call*.

    Args:
        answer: The server's; or nobody's, if there is a note.
        call: The question in a line.
        note: Says why this is no answer, only what one would be.
    """
    verdict = "ALLOW" if answer.decision else "DENY"
    if note:
        say(f"WOULD {verdict}  {call}")  # without colour, so that it does not look like an answer
        say(f"  {note}")
    else:
        say(f"{verdict}  {call}", "bold green" if answer.decision else "bold red")
    for line in _lines(answer.context):
        say(f"  {line}")


def _lines(context: _Context) -> Iterator[str]:
    if context.would:
        yield "let pass by a roll-out alone: it will be denied"
    for duty in context.obligations:
        yield f"you must {_told(duty)}"
    for duty in context.advice:
        yield f"you will have to {_told(duty)}"
    yield from lines_of(context.reasons)
    if context.more_reasons:
        yield f"and {context.more_reasons} more"
    if context.access_request:
        yield f"only an approval is missing, of {', '.join(context.access_request.approvers)}"
    if context.valid_until:
        yield f"valid until {context.valid_until}"


def lines_of(reasons: Iterable[Reason]) -> Iterator[str]:
    """Reasons in words, numbered."""
    for number, reason in enumerate(reasons, start=1):
        yield f"{number}. {in_options(reason.message)} [{reason.code}]"
        yield f"   fix: {in_options(reason.fix)}"
        yield f"   contact: {reason.contact}"
        if reason.rule:
            yield f"   rule: {reason.rule}"


def _told(duty: _Duty) -> str:
    """A duty such as `mask (fields: iban, name)`."""
    about = "; ".join(f"{name}: {several(each)}" for name, each in duty.properties.items())
    return f"{duty.type} ({about})" if about else duty.type


def several(values: Sequence[str] | int | str) -> str:
    """A value, or all of several, on a line."""
    return str(values) if isinstance(values, int | str) else ", ".join(values)
