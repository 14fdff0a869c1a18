"""`/health/live`, `/health/ready`, `/metrics`."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from policyd.api.caller import Served, Watcher, key_of
from policyd.model.errors import KeyUnknown
from policyd.points.readiness import Readiness

router = APIRouter()
_NOT_READY = 503


@router.get("/health/live")
def live() -> dict[str, bool]:
    """The process answers. It says nothing of whether checks are answered."""
    return {"live": True}


@router.get("/health/ready")
def ready(request: Request, service: Served) -> JSONResponse:
    """200 while checks are answered, otherwise 503 with the reason; details for any good key."""
    state = service.readiness()
    body: dict[str, Any] = {"ready": state.is_ready, "source": state.source}
    body["problems"] = [{"code": each.code} for each in state.problems]
    try:
        key_of(request)
    except KeyUnknown:
        pass
    else:
        body |= _details(state)
    return JSONResponse(body, 200 if state.is_ready else _NOT_READY)


def _details(state: Readiness) -> dict[str, Any]:
    problems = [{"code": each.code, "detail": each.message} for each in state.problems]
    said: dict[str, Any] = {
        "problems": problems,
        "snapshot": state.snapshot,
        "log_size": state.log_size,
    }
    if state.warnings:
        said["warnings"] = [{"code": each.code, "detail": each.message} for each in state.warnings]
    return said | ({"failed_reload": state.failed_reload} if state.failed_reload else {})


@router.get("/metrics")
def metrics(service: Served, _: Watcher) -> Response:
    """Counters and gauges in the Prometheus text format."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")
