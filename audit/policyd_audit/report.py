"""Report: what a verification found."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from policyd_audit.checkpoint import Checkpoint
from policyd_audit.errors import VerificationError

MAX_FINDINGS = 100

Signature = Literal["good", "bad", "unchecked"]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of checking one log.

    `checkpoint` is what the log claims and `note` its signed text, None where it cannot be read;
    `root` the hash its records add up to, None where they could not be followed to the end.
    `findings` are the differences in the order they were met, `more` counts those beyond
    `MAX_FINDINGS`. `seen` is how many records a checkpoint from before covers, with which the log
    agrees, and `cosigned` when the log last stood by its checkpoint, in seconds since 1970.
    """

    checkpoint: Checkpoint | None
    root: bytes | None
    signature: Signature
    findings: tuple[VerificationError, ...]
    more: int
    note: str | None = None
    seen: int | None = None
    cosigned: int | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing was found; says nothing about a signature that was not checked."""
        return not self.findings

    @property
    def records_match(self) -> bool:
        """Whether the records add up to the root of the checkpoint."""
        return self.checkpoint is not None and self.checkpoint.root == self.root


class Findings:
    """Differences as they are found, the first `MAX_FINDINGS` of them kept."""

    def __init__(self) -> None:
        self._kept: list[VerificationError] = []
        self.more = 0

    def add(self, finding: VerificationError) -> None:
        """Keep the finding, or count it."""
        if len(self._kept) < MAX_FINDINGS:
            self._kept.append(finding)
        else:
            self.more += 1

    def __iter__(self) -> Iterator[VerificationError]:
        return iter(self._kept)
