"""Decision: the answer to one call, with every obstacle and every duty."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from policyd.model.destinations import CanonicalUrl
from policyd.model.labels import Label
from policyd.model.rules import Mode


@dataclass(frozen=True, slots=True)
class Reason:
    """One failing check.

    `code`, `message`, `fix` and `contact` are for whoever asked; `rule` and `owner` for authors
    and auditors.
    """

    code: str
    check: str
    message: str
    fix: str
    contact: str
    owner: str
    rule: str | None = None
    mode: Mode = Mode.ENFORCE
    exemption: str | None = None  # that lifted the rule for this call

    @property
    def is_in_force(self) -> bool:
        """Whether it stands against the call: nothing softens or lifts it."""
        return self.mode is Mode.ENFORCE and self.exemption is None


@dataclass(frozen=True, slots=True)
class Obligation:
    """A duty the PEP fulfils or treats the answer as deny; one of each type at most.

    `properties` is `{fields: […]}` for mask, tokenise and drop-fields, `{rows: n}` for row-limit,
    `{within: "15m"}` for log-outcome.
    """

    type: str
    properties: Mapping[str, tuple[str, ...] | int | str]


class Resolved(NamedTuple):
    """The call as the snapshot sees it; recorded with the decision.

    A part is None where the call or the snapshot does not name it.
    """

    unit: str | None
    roles: tuple[str, ...]
    stage: str | None
    template: str | None
    system: str
    label: Label
    url: CanonicalUrl | None
    destination: str | None
    zone: str | None


class Decision(NamedTuple):
    """Allow exactly if there is no enforced reason against it, or a roll-out lets it pass.

    Reasons stand in the order of the checks, then by rule; obligations by type. `more` counts
    the reasons beyond those named here, so that a record stays within its bound. `softened` has
    what a mode or an exemption kept from being a reason; `advice` the duties that are in warn.
    """

    allow: bool
    reasons: tuple[Reason, ...]
    more: int
    obligations: tuple[Obligation, ...]
    resolved: Resolved
    valid_until: datetime | None
    softened: tuple[Reason, ...] = ()
    advice: tuple[Obligation, ...] = ()
    would_deny: bool = False  # without the roll-out that let the call pass
    approval: tuple[str, ...] = ()  # owners whose approval alone is missing
    counted: Mapping[str, int] = {}  # what an allowed call adds, by counter
