"""Explanation: how the decision on one call comes about, check by check, for people."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policyd.model.decision import Obligation, Reason
from policyd.model.rules import Mode, Place


class Outcome(StrEnum):
    """What a check comes to; `softened` has failed, but a mode or an exemption excuses it."""

    PASSED = "passed"
    FAILED = "failed"
    SOFTENED = "softened"
    NOT_ASKED = "not-asked"


class Period(StrEnum):
    """Where the present stands to something with a beginning and an end."""

    UPCOMING = "upcoming"
    LIVE = "live"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a check goes by: a rule, a listed destination, a zone, a registration.

    `ref` is a rule's reference, or like `destination:crm`, `zone:processor`,
    `integration:sales/mailer`. `mode` and `until` (company wall clock) are of a rule that is
    softened now.
    """

    ref: str
    owner: str
    contact: str
    place: Place | None
    reason: str
    mode: Mode = Mode.ENFORCE
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Miss:
    """One word of a rule or a listing that a call does not meet, and how it could.

    `word` is the word of the policy file, `wants` what stands there, `has` what the call has.
    """

    word: str
    wants: tuple[str, ...]
    has: tuple[str, ...]
    hint: str


@dataclass(frozen=True, slots=True)
class NearMiss:
    """What would have covered the call but for a word or two."""

    ground: Ground
    misses: tuple[Miss, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One step of the decision.

    Attributes:
        name: As in reasons: `ceiling`, `destination`.
        question: What it asks.
        grounds: What it goes by: what covers the call, or forbids it.
        reasons: Why it failed, with what softens that.
        near: What nearly covered a call that nothing covers; the nearest first.
    """

    name: str
    question: str
    outcome: Outcome
    grounds: tuple[Ground, ...]
    reasons: tuple[Reason, ...]
    near: tuple[NearMiss, ...]


@dataclass(frozen=True, slots=True)
class FieldFlow:
    """What becomes of one field where the data comes to rest.

    Attributes:
        field: Its name; None if the call names none, for all of the dataset.
        catalogued: Its label in the catalogue: level, then categories.
        label: The same as the caller's word raised it.
        outcome: `pass`, `mask`, `tokenise`, `drop-fields`, `never` or `above-clearance`.
        cell: The cell of the flow table that says so, like `zone:processor/payment`.
    """

    field: str | None
    catalogued: tuple[str, ...]
    label: tuple[str, ...]
    outcome: str
    cell: str | None


@dataclass(frozen=True, slots=True)
class DutyGround:
    """One duty that applies, with the rule or the cell that asks for it.

    `fields` are those it is about; `value` a number of rows, a duration, or an approver.
    """

    type: str
    ground: Ground
    fields: tuple[str, ...]
    value: str | None
    supported: bool


@dataclass(frozen=True, slots=True)
class LimitUse:
    """One limit that applies: `used` before this call, which would add `adds` (None: unsaid)."""

    ground: Ground
    measure: str
    amount: int
    per: str
    for_each: str
    used: int
    adds: int | None


@dataclass(frozen=True, slots=True)
class ExemptionStanding:
    """An exemption that is written for this call; its times are company wall clock."""

    id: str
    lifts: str
    period: Period
    start: datetime
    end: datetime
    ticket: str
    reason: str
    approved_by: tuple[str, ...]
    place: Place | None


@dataclass(frozen=True, slots=True)
class ResolvedCall:
    """The call as the snapshot sees it; a part is None where nothing is known of it."""

    subject: str
    unit: str | None
    template: str | None
    stage: str | None
    runs_on: str | None
    roles: tuple[str, ...]
    action: str
    data: str
    system_kind: str | None
    url: str | None
    destination: str | None
    zone: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the decision on a call would come about at one moment; it is none itself.

    Attributes:
        would: `allow` or `deny`.
        at: The moment, UTC.
        snapshot: Digest of the tree.
        windows: Named windows and freezes that are open.
        more: Reasons beyond those that are named.
        rollout: What lets the call pass in spite of its reasons.
        approvers: Owners whose approval alone is missing.
    """

    would: str
    at: datetime
    snapshot: str
    call: ResolvedCall
    windows: tuple[str, ...]
    checks: tuple[Check, ...]
    more: int
    fields: tuple[FieldFlow, ...]
    duties: tuple[DutyGround, ...]
    obligations: tuple[Obligation, ...]
    advice: tuple[Obligation, ...]
    limits: tuple[LimitUse, ...]
    exemptions: tuple[ExemptionStanding, ...]
    rollout: Ground | None
    approvers: tuple[str, ...]
    valid_until: datetime | None
