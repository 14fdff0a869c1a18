"""Rules: sentences of the policy files, with who answers for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ACTIONS = ("read", "write", "delete", "send")
ANYTHING = "*"
EVERYONE = "everyone"


class Section(StrEnum):
    """The verb of a rule. `ceiling` and `allow` cover a call, `forbid` refuses it."""

    FORBID = "forbid"
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
