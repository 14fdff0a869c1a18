"""The outermost ASGI callable: the check endpoint by exact path, all else to FastAPI."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from policyd import __version__
from policyd.api import health, keys, records
from policyd.api.described import described
from policyd.api.evaluation import PATHS, EvaluationEndpoint, Receive, Scope, Send
from policyd.api.identity import caller
from policyd.api.problems import INTERNAL, Problem, problem
from policyd.model.errors import CallerRefused, PolicydError
from policyd.points.service import Service


class Application:
    """What an ASGI server serves."""

    def __init__(self, service: Service, *, max_body: int, max_depth: int) -> None:
        """Serve *service*; a body has at most *max_body* bytes and *max_depth* levels."""
        self._evaluation = EvaluationEndpoint(
            service.decision,
            service.keys.find,
            service.refusals,
            max_body=max_body,
            max_depth=max_depth,
        )
        self._rest = rest(service, max_body=max_body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one connection."""
        if scope["type"] == "http" and scope["path"] in PATHS:
            await self._evaluation(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


def rest(service: Service, *, max_body: int) -> FastAPI:
    """Everything that is not the hot path."""
    app = FastAPI(
        title="policyd",
        version=__version__,
        docs_url=None,  # its page loads scripts from a third party
        redoc_url=None,
        max_body_size=max_body,
    )
    app.state.service = service
    for module in (health, keys, records):
        app.include_router(module.router)
    app.add_exception_handler(PolicydError, _told)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _internal)
    app.openapi = described(app)  # type: ignore[method-assign]  # as FastAPI's manual has it
    return app


def _response(told: Problem, extra: dict[str, str] | None = None) -> Response:
    headers = {name.decode(): value.decode() for name, value in told.headers()}
    return Response(told.body(), told.status, headers | (extra or {}))


def _told(request: Request, error: Exception) -> Response:
    if not isinstance(error, PolicydError):
        raise error
    if isinstance(error, CallerRefused):
        _count(request, error.code)
    return _response(problem(error))


def _count(request: Request, code: str) -> None:
    """Count a refusal with the id of the key, if it was a good one."""
    service: Service = request.app.state.service
    sent = request.headers.get("authorization", "").encode("latin-1")
    try:
        key_id = caller(sent, service.keys.find).id
    except PolicydError:
        key_id = ""
    service.refusals.note(code, key_id, request.client.host if request.client else "")


def _malformed(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    said = "; ".join(
        f"`{'.'.join(str(part) for part in each['loc'][1:]) or 'body'}`: {each['msg']}"
        for each in error.errors()
    )
    return _response(Problem(400, "The request cannot be judged", "request-malformed", said))


def _http(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    codes = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}
    code = codes.get(error.status_code, "http-error")
    told = Problem(error.status_code, str(error.detail), code, str(error.detail))
    return _response(told, dict(error.headers or {}))


def _internal(_: Request, __: Exception) -> Response:
    """The traceback goes to the server's log; nothing of it leaves."""
    return _response(INTERNAL)
