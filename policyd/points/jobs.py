"""Jobs: work that takes longer than a request may, and how far it has come."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import structlog

from policyd.model.errors import NotFound, PolicydError

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
    """The jobs of one server; they end with it, and what they had not done is not done."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, job_id: str, kind: str, by: str, work: Work) -> Job:
        """Have *work* done under this id."""
        self._forget()
        job = self._jobs[job_id] = Job(job_id, kind, by)
        task = asyncio.create_task(self._do(job_id, work))
        self._tasks.add(task)  # the loop alone would not keep it
        task.add_done_callback(self._tasks.discard)
        return job

    def get(self, job_id: str) -> Job:
        """A job.

        Raises:
            NotFound: there is none of this id, or it was forgotten.
        """
        if job_id not in self._jobs:
            raise NotFound(
                f"there is no job `{job_id[:64]}`: jobs end with the server; look at what it was"
                " about, and ask again",
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

    def _fail(self, job_id: str, code: str, detail: str) -> None:
        failed = replace(self._jobs[job_id], state="failed", code=code, detail=detail)
        self._jobs[job_id] = failed
        log.info("job-refused", job=job_id, kind=failed.kind, code=code, why=detail)

    def _forget(self) -> None:
        ended = [each.id for each in self._jobs.values() if each.state != "running"]
        for job_id in ended[: max(0, len(self._jobs) - KEPT)]:
            del self._jobs[job_id]
