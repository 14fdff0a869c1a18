"""The administration point (PAP): the only mover of the snapshot in force."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Protocol

import structlog

from policyd.engine.decide import Engine
from policyd.ledger import record
from policyd.ledger.decision_record import Basis
from policyd.ledger.ledger import Ledger
from policyd.model.call import Call
from policyd.model.decision import Decision
from policyd.model.errors import Conflict, PolicydError, PolicyInvalid
from policyd.model.facts import Facts
from policyd.points.metrics import Metrics


class Read(Protocol):
    """Reads the source; told what is in force, which it returns if nothing has changed."""

    def __call__(self, before: "InForce | None" = None) -> Awaitable["InForce"]:
        """What the source has, made ready to decide."""


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class InForce:
    """A snapshot made ready, and what the record of each decision says of it."""

    engine: Engine
    basis: Basis
    pieces: Mapping[str, Any] = field(default_factory=dict)
    """What the snapshot was made of, by key, for the next one to take over what is the same."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the record of a publication says besides the digests; as `record.PolicyChange`."""

    reason: str
    change: str | None = None
    by: str | None = None
    why: str | None = None
    until: str | None = None


class Seen(NamedTuple):
    """A call that was decided by what is in force: its record, and what the decision rested on."""

    id: str
    call: Call
    facts: Facts
    decision: Decision


class Watcher(Protocol):
    """Somebody who is told of decisions, after they were made; see `points.shadow`."""

    def saw(self, decided: Iterable[Seen]) -> None:
        """Take note of what was just decided."""


class PolicyInForce:
    """The one reference that every decision reads; swapped as a whole, never changed.

    Attributes:
        watcher: Who is told of decisions; nobody, as a rule.
    """

    def __init__(self, current: InForce) -> None:
        self.current = current
        self.watcher: Watcher | None = None
        self.failed_reload: str | None = None


class AdministrationPoint:
    """Puts a snapshot in force: built aside, recorded, then swapped."""

    def __init__(self, read: Read, policy: PolicyInForce, ledger: Ledger, metrics: Metrics) -> None:
        """Move *policy*, which *read* reads from its source."""
        self._read = read
        self._policy = policy
        self._ledger = ledger
        self._metrics = metrics
        self._one_at_a_time = asyncio.Lock()

    async def record_start(self) -> None:
        """Say in the log by which snapshot this server begins to decide."""
        await self._submit(self._policy.current, None, Said("start"))[1]

    async def reload(self) -> bool:
        """Read the folder again; whether another snapshot is in force now.

        A broken tree, a builder that does not answer, or a log that cannot record the change leaves
        the old snapshot serving.
        """
        async with self._one_at_a_time:
            try:
                changed = await self._reload()
            except PolicydError as error:
                self._fail(error)
                return False
            except Exception:  # noqa: BLE001 - the last resort: nobody else waits for this to end
                fault = "the policies could not be read by an error of the program: see the log"
                self._fail(PolicydError(fault), exc_info=True)
                return False
            self._policy.failed_reload = None
            self._metrics.reloads.labels("changed" if changed else "unchanged").inc()
            return changed

    async def publish(
        self, build: Callable[[InForce], Awaitable[InForce]], base: str, said: Said
    ) -> record.PolicyChange:
        """The record by which what *build* makes is in force now.

        Args:
            build: Makes the candidate ready; told what is in force.
            base: What has to be in force for this to be right.
            said: Why, and who says so.

        Raises:
            Conflict: something else is in force, or this is already.
            PolicyInvalid: the candidate has findings.
            PolicyUnread: nobody could say.
            LedgerUnavailable: it could not be recorded, or nothing is known of that.
        """
        async with self._one_at_a_time:
            before = self._policy.current
            check_base(before, base)
            new = await build(before)
            if new is before:
                raise Conflict("this is in force already", code="already-in-force")
            change, durable = self._put(new, said)
            # A crash before the commit leaves the old one in force, after it the new one: the next
            # start goes by the log.
            await durable
            log.warning(
                "published", snapshot=change.snapshot, previous=change.previous, **_told(said)
            )
            gone = [*before.pieces.values(), *before.engine.pieces()]
            del before
        await _let_go(gone)
        return change

    async def aside(self, build: Callable[[InForce], Awaitable[InForce]]) -> InForce:
        """What *build* makes, without putting it in force; raises as `publish`."""
        async with self._one_at_a_time:
            return await build(self._policy.current)

    async def _reload(self) -> bool:
        before = self._policy.current
        new = await self._read(before)
        old, digest = before.basis.snapshot, new.basis.snapshot
        if digest == old:
            log.info("reload-unchanged", snapshot=digest)
            return False
        # A crash before the commit leaves neither; the next start records its own.
        _, durable = self._put(new, Said("reload"))
        await durable
        log.info("reload-done", snapshot=digest, previous=old)
        gone = [*before.pieces.values(), *before.engine.pieces()]
        del before
        await _let_go(gone)
        return True

    def _fail(self, error: PolicydError, **more: bool) -> None:
        """Say wherever one may look that the old snapshot goes on serving, and why."""
        self._metrics.reloads.labels("failed").inc()
        self._policy.failed_reload = error.message
        findings = error.findings if isinstance(error, PolicyInvalid) else ()
        told = [str(finding) for finding in findings]
        log.error("reload-failed", code=error.code, why=error.message, findings=told, **more)

    def _put(self, new: InForce, said: Said) -> tuple[record.PolicyChange, asyncio.Future[int]]:
        """Have *new* in force, and its record on the way.

        INVARIANT: every decision's snapshot is that of the last policy_change before it. The log
        keeps the order of submission, so the swap is in the same turn of the loop; were it after
        the commit, decisions by the old snapshot could come between. If the commit fails, so does
        every later one, and nothing that was decided by the new snapshot is answered.
        """
        submitted = self._submit(new, self._policy.current.basis.snapshot, said)
        self._policy.current = new
        return submitted

    def _submit(
        self, what: InForce, previous: str | None, said: Said
    ) -> tuple[record.PolicyChange, asyncio.Future[int]]:
        change = record.PolicyChange(
            **record.stamped(self._ledger.stamp()),
            snapshot=what.basis.snapshot,
            previous=previous,
            source=what.basis.source,
            **asdict(said),
        )
        return change, self._ledger.submit([record.encode(change)])


def check_base(in_force: InForce, base: str) -> None:
    """Nothing, if *base* is in force.

    Raises:
        Conflict: something else is.
    """
    digest = in_force.basis.snapshot
    if digest != base:
        raise Conflict(
            f"the base moved: the change was made from `{base[:80]}`, and `{digest}` is in force"
            f" now; `policyd diff {base[:80]} {digest}` shows what moved, `policyd pull` has it",
            code="base-moved",
        )


def _told(said: Said) -> dict[str, str]:
    return {name: value for name, value in asdict(said).items() if value is not None}


async def _let_go(gone: list[object]) -> None:
    """Free what only an old snapshot had, piece by piece: at once, checks would wait for it."""
    while gone:
        gone.pop()
        await asyncio.sleep(0)
