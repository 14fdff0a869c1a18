"""The caller of a FastAPI route: its key, or a refusal that is counted."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase

from policyd.api.identity import caller, demand
from policyd.model.errors import OutOfScope
from policyd.model.keys import Key
from policyd.points.decision import Sender
from policyd.points.policies import Policies, of_folder
from policyd.points.service import Service


def service_of(request: Request) -> Service:
    """The service this app was made for."""
    service: Service = request.app.state.service
    return service


class _Scheme(SecurityBase):
    """A way to present a key, for the interface description; `caller` reads them all."""

    def __init__(self, name: str, description: str) -> None:
        self.scheme_name = name
        self.model = HTTPBase(scheme=name, description=description)

    def __call__(self) -> None:
        """Nothing: a description alone."""


BEARER = _Scheme("bearer", "The key, as it was shown when it was made")
BASIC = _Scheme("basic", "The key as the password, under any name")
SECURITY: list[dict[str, list[str]]] = [{each.scheme_name: []} for each in (BEARER, BASIC)]
"""Either of them, as an operation that FastAPI does not serve says it."""


def key_of(request: Request) -> Key:
    """The caller's key.

    Raises:
        KeyUnknown: no good key was sent.
    """
    sent = request.headers.get("authorization")
    find = service_of(request).keys.find
    return caller(sent.encode("latin-1") if sent is not None else None, find)


def _key(
    request: Request, _: Annotated[None, Security(BEARER)], __: Annotated[None, Security(BASIC)]
) -> Key:
    return key_of(request)


Anyone = Annotated[Key, Depends(_key)]
"""Whoever has a good key."""


def policies_of(request: Request, _: Anyone) -> Policies:
    """Changes and publications of the server.

    Raises:
        Conflict: its policies come from a folder.
    """
    policies = service_of(request).policies
    if policies is None:
        raise of_folder()
    return policies


def key_with(*roles: str) -> Callable[[Key], Key]:
    """A dependency: the caller's key, which must have one of *roles*."""

    def checked(key: Anyone) -> Key:
        demand(key, *roles)
        return key

    return checked


def key_for_all(*roles: str) -> Callable[[Key], Key]:
    """A dependency: as `key_with`, and the key must not be bound to some units' records."""

    def checked(key: Anyone) -> Key:
        demand(key, *roles)
        if not key.reads_all:
            raise OutOfScope(
                "this key is bound to units or integrations, and sees their decisions by searching",
                code="key-out-of-scope",
            )
        return key

    return checked


def sender(request: Request, key: Key) -> Sender:
    """Who sent *request*."""
    return Sender(key, request.client.host[:64] if request.client else "")


Served = Annotated[Service, Depends(service_of)]
Published = Annotated[Policies, Depends(policies_of)]
Admin = Annotated[Key, Depends(key_with("admin"))]
Watcher = Annotated[Key, Depends(key_for_all("admin", "auditor"))]
Reader = Annotated[Key, Depends(key_with("admin", "auditor", "builder"))]
Auditor = Annotated[Key, Depends(key_for_all("auditor"))]
Author = Annotated[Key, Depends(key_with("author"))]
Approver = Annotated[Key, Depends(key_with("approver"))]
Publisher = Annotated[Key, Depends(key_with("author", "approver"))]
PolicyReader = Annotated[Key, Depends(key_with("admin", "approver", "auditor", "author"))]
