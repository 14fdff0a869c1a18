"""`/health/live`, `/health/ready`, `/metrics`."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from policyd.api.caller import Served, Watcher, key_of
from policyd.model.errors import KeyUnknown

router = APIRouter()
_NOT_READY = 503


class Alive(BaseModel):
    """That the process answers."""

    live: Literal[True]


class Obstacle(BaseModel):
    """One reason why checks are not answered; `detail` is for who has a key."""

    code: str
    detail: str | None = None


class Ready(BaseModel):
    """Whether checks are answered; from `snapshot` on it is for who has a key.

    What `warnings` tell of is wrong, but keeps no check from being answered. `webhook_lag` is how
    many records the webhook has not taken yet.
    """

    ready: bool
    source: str
    problems: list[Obstacle]
    snapshot: str | None = None
    log_size: int | None = None
    failed_reload: str | None = None
    warnings: list[Obstacle] | None = None
    webhook_lag: int | None = None


@router.get("/health/live")
def live() -> Alive:
    """The process answers. It says nothing of whether checks are answered."""
    return Alive(live=True)


@router.get(
    "/health/ready",
    response_model_exclude_none=True,
    responses={_NOT_READY: {"model": Ready, "description": "Checks are not answered"}},
)
def ready(request: Request, response: Response, service: Served) -> Ready:
    """200 while checks are answered, otherwise 503 with the reason; details for any good key."""
    state = service.readiness()
    response.status_code = 200 if state.is_ready else _NOT_READY
    try:
        key_of(request)
    except KeyUnknown:
        obstacles = [Obstacle(code=each.code) for each in state.problems]
        return Ready(ready=state.is_ready, source=state.source, problems=obstacles)
    return Ready(
        ready=state.is_ready,
        source=state.source,
        problems=[Obstacle(code=each.code, detail=each.message) for each in state.problems],
        snapshot=state.snapshot,
        log_size=state.log_size,
        failed_reload=state.failed_reload or None,
        warnings=[Obstacle(code=each.code, detail=each.message) for each in state.warnings] or None,
        webhook_lag=state.webhook_lag,
    )


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(service: Served, _: Watcher) -> Response:
    """Counters and gauges in the Prometheus text format."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")
