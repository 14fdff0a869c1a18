"""An answer in words: what was decided, what is due, and what would have to change."""

from collections.abc import Mapping
from typing import Any

from policyd.cli.output import say


def show(answer: Mapping[str, Any], call: str) -> None:
    """Print *answer*, in the shape of AuthZEN, to the question about *call*."""
    context = answer.get("context", {})
    _show_verdict(answer, call)
    for due in context.get("obligations", ()):
        say(f"  you must {_duty(due)}")
    for number, reason in enumerate(context.get("reasons", ()), start=1):
        _show_reason(number, reason)
    if context.get("more_reasons"):
        say(f"  and {context['more_reasons']} more")
    if context.get("valid_until"):
        say(f"  valid until {context['valid_until']}")
    if answer.get("decision_id"):
        say(f"  recorded as {answer['decision_id']}")


def _show_verdict(answer: Mapping[str, Any], call: str) -> None:
    if "would" in answer:
        say(f"WOULD {answer['would'].upper()}  {call}")
        say(f"  {answer['note']}")
    elif answer["decision"]:
        say(f"ALLOW  {call}", "bold green")
    else:
        say(f"DENY  {call}", "bold red")


def _duty(due: Mapping[str, Any]) -> str:
    """A duty with its properties.

    >>> _duty({"id": "mask", "type": "mask", "properties": {"fields": ["iban", "name"]}})
    'mask (fields: iban, name)'
    """
    said = [
        f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in due.get("properties", {}).items()
    ]
    return f"{due['type']} ({'; '.join(said)})" if said else str(due["type"])


def _show_reason(number: int, reason: Mapping[str, str]) -> None:
    say(f"  {number}. {reason['message']} [{reason['code']}]")
    for label in ("rule", "fix", "contact"):
        if reason.get(label):
            say(f"     {label}: {reason[label]}")
