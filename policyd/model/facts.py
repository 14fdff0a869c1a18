"""Facts: the small closed set of outside inputs of a decision, kept verbatim in its record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class OwnerState(StrEnum):
    """Whether somebody still answers for an integration; only the last one denies."""

    ACTIVE = "active"
    GRACE = "grace"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the edge knows and the call and the snapshot do not."""

    now: datetime  # aware UTC; never earlier than the last committed record
    used: Mapping[str, int] = field(default_factory=dict)  # before this call, by rule of a limit
    owner: OwnerState = OwnerState.ACTIVE
