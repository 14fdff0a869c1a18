"""Whether checks are answered, and if not, why and what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policyd.ledger.ledger import Ledger
from policyd.ledger.stamp import TOLERANCE, timestamp
from policyd.model.change import Change
from policyd.model.errors import ClockBehind, Conflict, LedgerUnavailable, PolicydError
from policyd.points.administration import PolicyInForce
from policyd.points.keeping import Keeping
from policyd.points.notice_hook import NoticeHook
from policyd.points.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of one server, as `/health/ready` tells it.

    `warnings` is what is wrong but keeps no check from being answered.
    """

    problems: tuple[PolicydError, ...]
    snapshot: str
    source: str
    log_size: int
    failed_reload: str | None
    warnings: tuple[PolicydError, ...] = ()
    webhook_lag: int | None = None

    @property
    def is_ready(self) -> bool:
        """Whether checks are answered. A failed reload is told but does not end readiness."""
        return not self.problems


def readiness(
    policy: PolicyInForce,
    ledger: Ledger,
    keeping: Keeping | None = None,
    hooks: Sequence[Webhook | NoticeHook] = (),
    emergencies: Iterable[Change] = (),
) -> Readiness:
    """Look at everything a check needs; *emergencies* are in force, and nobody agreed to them."""
    problems: list[PolicydError] = []
    if ledger.failure:
        problems.append(LedgerUnavailable(ledger.failure.message))
    elif ledger.stall:
        problems.append(ledger.stall)
    if ledger.clock_behind > TOLERANCE:
        problems.append(
            ClockBehind(f"the clock is {ledger.clock_behind} behind the last record; set it")
        )
    warnings = keeping.troubles if keeping else ()
    warnings = (*warnings, *(each.trouble for each in hooks if each.trouble))
    lags = [each.lag for each in hooks if isinstance(each, Webhook)]
    current = policy.current
    return Readiness(
        problems=tuple(problems),
        snapshot=current.basis.snapshot,
        source=current.basis.source,
        log_size=ledger.size,
        failed_reload=policy.failed_reload,
        warnings=(*warnings, *map(_unreviewed, emergencies)),
        webhook_lag=lags[0] if lags else None,
    )


def _unreviewed(change: Change) -> PolicydError:
    until = timestamp(change.emergency.until) if change.emergency else ""
    return Conflict(
        f"change `{change.id}` was put in force in an emergency, and nobody has approved it:"
        f" approve it before {until}, or roll it back",
        code="emergency-unreviewed",
    )
