"""Exemptions: approved, expiring liftings of one rule for one scope (never "exceptions")."""

from dataclasses import dataclass
from datetime import datetime

from policyd.model.rules import Sentence


@dataclass(frozen=True, slots=True)
class Exemption:
    """One rule, or one cell of the flow table, lifted for the calls of one sentence.

    `start` and `end` are company wall clock, the end not included. Who asked is never among the
    approvers, of whom there are at least two.
    """

    id: str
    lifts: str
    scope: Sentence
    start: datetime
    end: datetime
    ticket: str
    reason: str
    asked_by: str
    approved_by: tuple[str, ...]
