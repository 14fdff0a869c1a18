"""Whether checks are answered, and if not, why and what to do."""

from dataclasses import dataclass

from policyd.ledger.ledger import Ledger
from policyd.ledger.stamp import TOLERANCE, Stamper
from policyd.model.errors import ClockBehind, LedgerUnavailable, PolicydError
from policyd.points.administration import PolicyInForce


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of one server, as `/health/ready` tells it."""

    problems: tuple[PolicydError, ...]
    snapshot: str
    source: str
    log_size: int
    failed_reload: str | None

    @property
    def is_ready(self) -> bool:
        """Whether checks are answered. A failed reload is told but does not end readiness."""
        return not self.problems


def readiness(policy: PolicyInForce, ledger: Ledger, stamps: Stamper) -> Readiness:
    """Look at everything a check needs."""
    problems: list[PolicydError] = []
    if ledger.failure:
        problems.append(LedgerUnavailable(ledger.failure))
    if stamps.behind > TOLERANCE:
        problems.append(
            ClockBehind(f"the clock is {stamps.behind} behind the last record; set the clock")
        )
    current = policy.current
    return Readiness(
        problems=tuple(problems),
        snapshot=current.engine.snapshot.digest,
        source=current.source,
        log_size=ledger.size,
        failed_reload=policy.failed_reload,
    )
