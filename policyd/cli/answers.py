"""Answers to a check, in words."""

from collections.abc import Iterator
from typing import Any

import msgspec

from policyd.cli.server import Unanswered


class Reason(msgspec.Struct):
    """One failing check; its rule only for those who may know it."""

    code: str
    message: str
    fix: str
    contact: str
    rule: str | None = None


class Obligation(msgspec.Struct):
    """A duty of whoever makes the call."""

    type: str
    properties: dict[str, list[str]] = {}


class Context(msgspec.Struct):
    """What an answer says besides the decision."""

    obligations: list[Obligation] = []
    reasons: list[Reason] = []
    more_reasons: int = 0
    valid_until: str | None = None


class Answer(msgspec.Struct):
    """The body of an answer."""

    decision: bool
    context: Context = msgspec.field(default_factory=Context)


def read_answer(body: dict[str, Any]) -> Answer:
    """The answer in *body*.

    Raises:
        Unanswered: it is none, so nothing may be concluded.
    """
    try:
        return msgspec.convert(body, Answer)
    except msgspec.ValidationError as error:
        raise Unanswered(
            f"the answer cannot be read, so nothing is allowed: {error}",
            code="answer-unreadable",
            hint="use the policyd of the server's version, or correct --url",
        ) from None


def lines(answer: Answer, *, dry_run: bool) -> Iterator[tuple[str, str]]:
    """The answer as lines with their styles; the first is the verdict."""
    verdict = "allow" if answer.decision else "deny"
    colour = "bold green" if answer.decision else "bold red"
    yield (f"would {verdict}" if dry_run else verdict), colour
    context = answer.context
    for duty in context.obligations:
        yield f"  must {_duty(duty)}", "yellow"
    for number, reason in enumerate(context.reasons, 1):
        yield from ((line, "") for line in _reason(number, reason))
    if context.more_reasons:
        yield f"  and {context.more_reasons} more", ""
    if context.valid_until:
        yield f"  valid until  {context.valid_until}", ""


def _duty(duty: Obligation) -> str:
    """An obligation such as `mask: fields email, phone`."""
    about = "; ".join(f"{name} {', '.join(each)}" for name, each in duty.properties.items())
    return f"{duty.type}: {about}" if about else duty.type


def _reason(number: int, reason: Reason) -> Iterator[str]:
    yield f"  {number}. {reason.code}: {reason.message}"
    yield f"     fix      {reason.fix}"
    yield f"     contact  {reason.contact}"
    if reason.rule:
        yield f"     rule     {reason.rule}"
