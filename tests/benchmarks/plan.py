"""How a run is to be done, and how it says where it is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BENCH = ROOT / ".bench"
"""Peers, data of servers under measurement, results; never in the repository."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        rounds: How often each contender has its turn.
        seconds: Of each turn under load; turns in one process are shorter.
        quick: Whether only to see that everything works.
        scratch: A folder that is removed after the run.
        say: Told what is going on.
        records: Of the log that is searched, if not as many as usual.
    """

    rounds: int
    seconds: float
    quick: bool
    scratch: Path
    say: Say
    records: int | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many rules the companies have."""
        return (100, 1_000, 10_000) if self.quick else (100, 1_000, 10_000, 100_000)
