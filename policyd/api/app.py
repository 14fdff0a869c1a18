"""The outermost ASGI callable: the check endpoint by exact path, all else to FastAPI."""

import asyncio
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from policyd import __version__
from policyd.api import (
    changes,
    destinations,
    explain,
    exports,
    health,
    keys,
    metadata,
    notices,
    outcomes,
    policies,
    records,
    removal,
    reviews,
    search,
    tail,
    tiled_log,
)
from policyd.api.checks import PATHS, Checks
from policyd.api.described import described
from policyd.api.evaluation import (
    Disconnected,
    EvaluationEndpoint,
    Receive,
    Scope,
    Send,
    read_body,
)
from policyd.api.headers import Headers, echo, headers_of, request_id
from policyd.api.identity import caller
from policyd.api.problems import INTERNAL, Problem, problem
from policyd.api.read_body import READ
from policyd.api.strict_json import check_json, read_in_turns
from policyd.model.errors import CallRefused, PolicydError
from policyd.points.service import Service

ReadLarge = Callable[..., Any]
"""Reads a body, with its `max_depth`; raises as `read_in_turns`."""

_COUNTED = {400, 401, 403, 413}
_MODULES = (
    *(changes, destinations, explain, exports, health, keys, notices, outcomes, policies),
    *(records, removal, reviews, search, tail),
)
_HTTP = {
    404: ("not-found", "nothing is served at this path; /openapi.json lists those that are"),
    405: ("method-not-allowed", "this path takes other methods; the header Allow names them"),
}


class Application:
    """What an ASGI server serves.

    Attributes:
        checks: The check endpoints, for a server that carries them by itself.
    """

    def __init__(  # noqa: PLR0913 - what is configured of it
        self,
        service: Service,
        *,
        max_body: int,
        max_depth: int,
        max_tree: int | None = None,
        public_url: str | None = None,
        public_log: bool = True,
        read_large: ReadLarge = read_in_turns,
    ) -> None:
        """Serve *service*, known to callers as *public_url*.

        A body has at most *max_body* bytes, *max_tree* if it may be a policy tree, and *max_depth*
        levels; with *public_log* anybody may see the hashes of the log. What is larger than
        *max_body* is read by *read_large*, in a thread.
        """
        self.checks = Checks(
            service.decision,
            service.keys.find,
            service.refusals,
            service.audit.receipt,
            max_body=max_body,
            max_depth=max_depth,
        )
        self._evaluation = EvaluationEndpoint(self.checks)
        self._service = service
        self._max_body = max_body
        self._max_tree = max_tree or max_body
        self._max_depth = max_depth
        self._read_large = read_large
        self._rest = rest(service, public_url, public_log=public_log)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one connection."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
        elif scope["path"] in PATHS:
            await self._evaluation(scope, receive, send)
        else:
            await self._strictly(scope, receive, send)

    async def _strictly(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request outside the hot path, whose body FastAPI would read leniently."""
        headers = headers_of(scope)
        scope = {**scope, "headers": [*headers.items()]}
        send = _echoing(send, headers)
        try:
            request_id(headers)
            is_tree = scope["path"].startswith((changes.PREFIX, reviews.PREFIX))
            body = await read_body(receive, self._max_tree if is_tree else self._max_body)
            if len(body) > self._max_body:
                # Checks need not wait until a large tree is read, and nobody reads it again.
                read = partial(self._read_large, body, max_depth=self._max_depth)
                scope[READ] = await asyncio.to_thread(read)
            elif body:
                check_json(body, max_depth=self._max_depth)
        except Disconnected:
            return
        except CallRefused as error:
            response = _refusal(self._service, Request(scope), problem(error))
            await response(scope, receive, send)
            return
        await self._rest(scope, _again(body, receive), send)


def _echoing(send: Send, headers: Headers) -> Send:
    """*send*, with the request id of *headers* in whatever answer it is given."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *echo(headers)]
        await send(message)

    return sending


def _again(body: bytes, receive: Receive) -> Receive:
    """*receive* as it was before *body* was read from it."""
    whole = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def received() -> MutableMapping[str, Any]:
        return next(whole, None) or await receive()

    return received


def rest(service: Service, public_url: str | None = None, *, public_log: bool = True) -> FastAPI:
    """Everything that is not the hot path."""
    app = FastAPI(
        title="policyd",
        version=__version__,
        docs_url=None,  # its page loads scripts from a third party
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.service = service
    routers = [module.router for module in _MODULES]
    routers.append(metadata.router_for(public_url))
    routers.append(tiled_log.router_for(public_url, is_public=public_log))
    for router in routers:
        app.include_router(router)
    app.state.routes = [route for each in (app.router, *routers) for route in each.routes]
    app.add_exception_handler(PolicydError, _told)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _internal)
    app.openapi = described(app)  # type: ignore[method-assign]  # as FastAPI's manual has it
    return app


def _response(told: Problem, extra: dict[str, str] | None = None) -> Response:
    headers = {name.decode(): value.decode() for name, value in told.headers()}
    return Response(told.body(), told.status, headers | (extra or {}))


def _refusal(service: Service, request: Request, told: Problem) -> Response:
    """The response that tells of a problem; counted, with the id of the key if it was good."""
    if told.status in _COUNTED:
        sent = request.headers.get("authorization", "").encode("latin-1")
        try:
            key_id = caller(sent, service.keys.find).id
        except PolicydError:
            key_id = ""
        address = request.client.host if request.client else ""
        service.refusals.note(told.code, key_id, address)
    return _response(told)


def _told(request: Request, error: Exception) -> Response:
    if not isinstance(error, PolicydError):
        raise error
    return _refusal(request.app.state.service, request, problem(error))


def _malformed(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    said = "; ".join(
        f"`{'.'.join(str(part) for part in each['loc'][1:]) or 'body'}`: "
        f"{each['msg'][:1].lower()}{each['msg'][1:]}"
        for each in error.errors()
    )
    told = Problem(400, "The request cannot be judged", "request-malformed", said)
    return _refusal(request.app.state.service, request, told)


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code, detail = _HTTP.get(error.status_code, ("http-error", str(error.detail).lower()))
    told = Problem(error.status_code, str(error.detail), code, detail)
    allowed = _allowed(request) if error.status_code == 405 else {}  # noqa: PLR2004 - RFC 9110, 15.5.6
    return _response(told, dict(error.headers or {}) | allowed)


def _allowed(request: Request) -> dict[str, str]:
    """The header that names every method of a path; Starlette's has those of its first route."""
    here = [
        each for each in request.app.state.routes if each.matches(request.scope)[0] != Match.NONE
    ]
    methods = {method for each in here for method in getattr(each, "methods", ())}
    return {"Allow": ", ".join(sorted(methods))}


def _internal(_: Request, __: Exception) -> Response:
    """The traceback goes to the server's log; nothing of it leaves."""
    return _response(INTERNAL)
