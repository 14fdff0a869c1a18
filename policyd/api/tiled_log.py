"""`/log/…`: the log as a C2SP tiled transparency log, and where to find its key.

Checkpoint and hash tiles need no key, unless the settings say otherwise; entry bundles are the
records themselves and always do. Source: c2sp.org/tlog-tiles.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from policyd.api.caller import Served, Watcher, key_with, sender
from policyd.model.errors import NotFound
from policyd.points.service import Service
from policyd_audit.layout import Resource, parse_path

PREFIX = "/log"
WELL_KNOWN = "/.well-known/policyd-audit"
OCTETS = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"

_A_MOMENT = {"Cache-Control": "max-age=1"}
_CACHED = {"Cache-Control": "max-age=300"}
_TEXT_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {TEXT: {"schema": {"type": "string"}}}}
}
_OCTETS_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}}},
    404: {},
}


class AboutLog(BaseModel):
    """What a verifier has to know of this log; what is not known is absent."""

    origin: str
    verifier_keys: list[str]
    cosigner_key: str
    log: str | None = None


def router_for(public_url: str | None, *, is_public: bool) -> APIRouter:
    """The routes of the log of a server known as *public_url*.

    Args:
        public_url: Where its callers reach it, if it knows.
        is_public: Whether checkpoint and hashes are there for everybody.
    """
    router = APIRouter()
    router.add_api_route(WELL_KNOWN, _about(public_url), response_model_exclude_none=True)
    place = f"{PREFIX}/tile/entries/{{number:path}}"  # before the tiles, whose path has it too
    router.add_api_route(place, entries, response_class=Response, responses=_OCTETS_ANSWER)
    needed = [] if is_public else [Depends(key_with("admin", "auditor"))]
    hashes = APIRouter(prefix=PREFIX, dependencies=needed, default_response_class=Response)
    hashes.add_api_route("/checkpoint", checkpoint, responses=_TEXT_ANSWER)
    hashes.add_api_route("/tile/{place:path}", _tile(is_public), responses=_OCTETS_ANSWER)
    router.include_router(hashes)
    return router


def _about(public_url: str | None) -> Callable[[Service, Response], AboutLog]:
    def about(service: Served, response: Response) -> AboutLog:
        """The log's name, the key it signs checkpoints with, and where it is served."""
        response.headers.update(_CACHED)
        signer = service.signer
        return AboutLog(
            origin=signer.origin,
            verifier_keys=signer.vkeys,
            cosigner_key=signer.cosigner_vkey,
            log=public_url + PREFIX if public_url else None,
        )

    return about


def checkpoint(service: Served) -> Response:
    """The newest signed checkpoint, with the log's own cosignature and its time."""
    return Response(service.publication.newest.note, media_type=TEXT, headers=_A_MOMENT)


async def entries(number: str, request: Request, service: Served, by: Watcher) -> Response:
    """The records of one entry bundle, each behind its length in two bytes."""
    resource = _resource(f"tile/entries/{number}")
    data = await service.audit.bundle(sender(request, by), resource)
    return Response(data, media_type=OCTETS, headers=_cached_for_ever("private"))


def _tile(is_public: bool) -> Callable[[str, Service], Awaitable[Response]]:  # noqa: FBT001 - one of two routes
    async def tile(place: str, service: Served) -> Response:
        """The hashes of one tile of the tree, full or partial."""
        data = await service.audit.tile(_resource(f"tile/{place}"))
        headers = _cached_for_ever("public" if is_public else "private")
        return Response(data, media_type=OCTETS, headers=headers)

    return tile


def _cached_for_ever(scope: str) -> dict[str, str]:
    return {"Cache-Control": f"{scope}, max-age=31536000, immutable"}


def _resource(path: str) -> Resource:
    """The resource at *path*.

    Raises:
        NotFound: no log has one there.
    """
    resource = parse_path(path)
    if resource is None:
        raise NotFound("no log serves anything at this path; see c2sp.org/tlog-tiles")
    return resource
