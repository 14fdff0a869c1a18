"""Jobs: work that takes longer than a request may, and how far it has come."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import structlog

from policyd.model.errors import NotFound, PolicydError
from policyd.registry.jobs import JobStore, Order

KEPT = 200
"""Jobs that are remembered, running ones always."""

Tell = Callable[[str], None]
Work = Callable[[Tell], Coroutine[Any, Any, dict[str, Any]]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work: `running`, `done` with its result, or `failed` with a code."""

    id: str
    kind: str
    by: str
    state: str = "running"
    step: str = "waiting for its turn"
    result: dict[str, Any] | None = None
    code: str | None = None
    detail: str | None = None


class Jobs:
    """The jobs of one server; they end with it, and the next one finds their orders."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self, order: Order, work: Work) -> Job:
        """Have *work* done, by this order.

        Raises:
            DataFolderError: the order cannot be kept; nothing was begun.
        """
        await asyncio.to_thread(self._store.add, order)
        # A crash from here on leaves the order, which the next server tells as interrupted.
        self._forget()
        job = self._jobs[order.id] = Job(order.id, order.kind, order.by)
        task = asyncio.create_task(self._do(order.id, work))
        self._tasks.add(task)  # the loop alone would not keep it
        task.add_done_callback(self._tasks.discard)
        return job

    async def left(self) -> list[Order]:
        """The orders that the last server had not carried out."""
        return await asyncio.to_thread(self._store.list)

    async def settle(self, job: Job) -> None:
        """Tell how it stands with a job of the last server."""
        self._jobs[job.id] = job
        await self._let_go(job.id)

    def get(self, job_id: str) -> Job:
        """A job.

        Raises:
            NotFound: there is none of this id, or it was forgotten.
        """
        if job_id not in self._jobs:
            raise NotFound(
                f"there is no job `{job_id[:64]}`, or it ended long ago: look at what it was about",
                code="job-missing",
            )
        return self._jobs[job_id]

    async def close(self) -> None:
        """End what still runs."""
        for task in [*self._tasks]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _do(self, job_id: str, work: Work) -> None:
        def tell(step: str) -> None:
            self._jobs[job_id] = replace(self._jobs[job_id], step=step)

        try:
            result = await work(tell)
            self._jobs[job_id] = replace(self._jobs[job_id], state="done", result=result)
        except PolicydError as error:
            self._fail(job_id, error.code, error.message)
        except Exception:
            # Whatever the fault, whoever waits for the job is owed its end.
            log.exception("job-failed", job=job_id)
            self._fail(job_id, PolicydError.code, "an error of the program: see the server's log")
        await self._let_go(job_id)

    async def _let_go(self, job_id: str) -> None:
        try:
            await asyncio.to_thread(self._store.remove, job_id)
        except PolicydError as error:
            # The next server tells it as interrupted, and finds that it was not.
            log.warning("job-not-removed", job=job_id, code=error.code, why=error.message)

    def _fail(self, job_id: str, code: str, detail: str) -> None:
        failed = replace(self._jobs[job_id], state="failed", code=code, detail=detail)
        self._jobs[job_id] = failed
        log.info("job-refused", job=job_id, kind=failed.kind, code=code, why=detail)

    def _forget(self) -> None:
        ended = [each.id for each in self._jobs.values() if each.state != "running"]
        for job_id in ended[: max(0, len(self._jobs) - KEPT)]:
            del self._jobs[job_id]
