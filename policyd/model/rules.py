"""Rules: sentences of the policy files, with who answers for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

ACTIONS = ("read", "write", "delete", "send")
ANYTHING = "*"
EVERYONE = "everyone"


class Section(StrEnum):
    """The verb of a rule.

    `ceiling` and `allow` cover a call, `forbid` refuses it, `require` puts duties on it, `limit`
    bounds how much of it there may be.
    """

    FORBID = "forbid"
    REQUIRE = "require"
    LIMIT = "limit"
    CEILING = "ceiling"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Sentence:
    """Which calls a rule speaks about. Every part narrows; an empty or absent one does not."""

    data: Mapping[str, tuple[str, ...]]  # action: datasets, exact or `prefix/*`, or ("*",)
    who: tuple[str, ...]  # names of integrations, units, roles; ("everyone",)
    excepted: tuple[str, ...] = ()
    to: tuple[str, ...] = ()  # destinations, for send only
    to_zone: tuple[str, ...] = ()  # for send only
    to_systems_of: str | None = None  # record or engagement, for send only
    in_systems_of: str | None = None
    stage: str | None = None
    label_at_least: str | None = None
    label_at_most: str | None = None
    category: tuple[str, ...] = ()
    only_fields: tuple[str, ...] = ()
    during: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


class Mode(StrEnum):
    """What becomes of a refusal or a duty: in force, advice to the PEP, or a note in the record."""

    ENFORCE = "enforce"
    WARN = "warn"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class Softening:
    """A mode that ends: from `until` (company wall clock) on, it is `enforce` again."""

    mode: Mode
    until: datetime
    owner: str

    def at(self, clock: datetime) -> Mode:
        """The mode in effect at wall-clock time *clock*."""
        return self.mode if clock < self.until else Mode.ENFORCE


@dataclass(frozen=True, slots=True)
class Limit:
    """How much: `amount` of rows or calls, per call, hour, day or month, for each of whom."""

    measure: str  # rows or calls
    amount: int
    per: str  # call, hour, day, month: stretches of the company's wall clock
    for_each: str  # integration, unit, system or company


OBLIGATIONS = ("mask", "tokenise", "drop-fields", "row-limit", "log-outcome")
"""The types of duties that an allow may come with."""

Value = int | str | tuple[str, ...]
"""What a duty asks for: rows, a duration or an owner, or categories of fields."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule stands: a file of the tree, line and column from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with its owner, reason and place.

    `ref` names it everywhere: `guardrail:payroll-stays-home`, `template:customer-sync/deliver`,
    `unit:hr/joiners`. `layer` is the part of the decision that asks it: `guardrail`,
    `template:customer-sync`, `unit:hr`.
    """

    ref: str
    layer: str
    section: Section
    sentence: Sentence
    owner: str
    reason: str
    fix: str | None
    place: Place
    softening: Softening | None = None
    always: bool = False  # holds even where a roll-out lets everything else pass
    exemptible: bool = True
    duties: Mapping[str, Value] = field(default_factory=dict)  # of a `require`, by type
    limit: Limit | None = None  # of a `limit`
