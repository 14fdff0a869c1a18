"""Who calls: the key in an Authorization header."""

import base64
from collections.abc import Callable

from policyd.model.errors import KeyUnknown, OutOfScope
from policyd.model.keys import Key

FindKey = Callable[[str], Key | None]


def caller(authorization: bytes | None, find: FindKey) -> Key:
    """The key that *authorization* presents, by Bearer or as the password of Basic.

    Raises:
        KeyUnknown: none, or one that is unknown or revoked; which of these is not said.
    """
    if authorization is None:
        raise KeyUnknown("no key was sent; send `Authorization: Bearer pd_…`")
    if b"," in authorization:  # no key has one: these are several, joined
        raise KeyUnknown("more than one key was sent; send one Authorization header, with one key")
    presented = _presented(authorization.decode("latin-1"))
    key = find(presented) if presented else None
    if key is None:
        raise KeyUnknown("the key is unknown or revoked; ask an admin for `policyd keys create`")
    return key


def _presented(header: str) -> str | None:
    scheme, _, credentials = header.partition(" ")
    credentials = credentials.strip()
    if scheme.lower() == "bearer":
        return credentials
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")[2]
    except ValueError:  # not ASCII, not base64, not UTF-8
        return None


def demand(key: Key, *roles: str) -> None:
    """Nothing, if the key has one of *roles*.

    Raises:
        OutOfScope: it has none.
    """
    if not key.has_role(*roles):
        raise OutOfScope(f"this needs a key with the role {' or '.join(roles)}")
