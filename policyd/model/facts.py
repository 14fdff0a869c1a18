"""Facts: the small closed set of outside inputs of a decision, kept verbatim in its record."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the edge knows and the call and the snapshot do not."""

    now: datetime  # aware UTC; never earlier than the last committed record
