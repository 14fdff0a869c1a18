"""Keys: made, found by what a caller presents, and revoked.

A secret is 256 random bits, shown once; only its HMAC-SHA-256 under the data folder's pepper is
kept, so that neither the file nor a backup of it lets anyone in.
"""

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import Engine
from sqlmodel import Session, select

from policyd.model.errors import NotFound, UsageError
from policyd.model.keys import ROLES, Key
from policyd.registry.database import open_database
from policyd.registry.tables import KeyRow

_LONGEST = 256  # characters of a presented key that are looked at
_HOLDER = re.compile(r"[^\s\x00-\x1f\x7f](?:[ -~\u00a1-\uffff]{0,118}[^\s])?")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_INTEGRATION = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*/[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_ID_LENGTH = 8
_BOUND = frozenset({"pep", "builder"})
_OF_PERSONS = frozenset({"admin", "author", "approver"})


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made.

    Raises:
        UsageError: a part is missing or cannot be what it says.
    """

    holder: str
    kind: str
    roles: frozenset[str]
    owner: str | None = None
    units: frozenset[str] = frozenset()
    integrations: frozenset[str] = frozenset()
    supported_obligations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would be a key that nobody answers for, or that is bound to nothing."""
        for is_wrong, message in self._faults():
            if is_wrong:
                raise UsageError(message, code="key-invalid")

    def _faults(self) -> Iterable[tuple[bool, str]]:
        names = (*self.units, *self.supported_obligations, *filter(None, [self.owner]))
        unknown = sorted(self.roles - set(ROLES))
        yield not _HOLDER.fullmatch(self.holder), "a key's holder has 1 to 120 printable characters"
        yield self.kind not in {"person", "service"}, "a key's holder is a `person` or a `service`"
        yield not self.roles, f"a key has at least one role: {', '.join(ROLES)}"
        yield bool(unknown), f"`{unknown}` is no role; use {', '.join(ROLES)}"
        yield self.kind == "service" and not self.owner, "a service's key names its owner"
        yield (
            not all(map(_NAME.fullmatch, names)),
            "units, owners and obligations are lower-case words joined by hyphens",
        )
        yield (
            not all(map(_INTEGRATION.fullmatch, self.integrations)),
            "an integration is named `unit/integration`",
        )
        yield (
            not self.roles.isdisjoint(_BOUND) and not self.units | self.integrations,
            "a key with the role pep or builder is bound to at least one unit or integration",
        )
        yield (
            self.kind == "service" and not self.roles.isdisjoint(_OF_PERSONS),
            "the roles admin, author and approver are for persons",
        )


class KeyStore:
    """All keys, in memory and in the registry's file; one server has one."""

    def __init__(self, engine: Engine, pepper: bytes) -> None:
        self._engine = engine
        self._pepper = pepper
        with Session(engine) as session:
            rows = session.exec(select(KeyRow)).all()
            self._keys = {row.id: _key(row) for row in rows}
            self._by_digest = {row.digest: row.id for row in rows}

    @classmethod
    def open(cls, path: Path, pepper: bytes) -> Self:
        """The keys of the registry at *path*, which is made if it is not there.

        Raises:
            DataFolderError: the file cannot be used.
        """
        return cls(open_database(path), pepper)

    def find(self, presented: str) -> Key | None:
        """The live key whose secret *presented* is."""
        key_id = self._by_digest.get(self._digest(presented[:_LONGEST]))
        key = self._keys[key_id] if key_id else None
        return key if key and key.revoked_at is None else None

    def get(self, key_id: str) -> Key:
        """The key with this id, revoked or not.

        Raises:
            NotFound: there is none.
        """
        if key_id not in self._keys:
            raise NotFound(f"there is no key `{key_id[:64]}`; see `policyd keys list`")
        return self._keys[key_id]

    def list(self) -> tuple[Key, ...]:
        """Every key, oldest first."""
        return tuple(sorted(self._keys.values(), key=lambda key: (key.created_at, key.id)))

    def prepare(self, new: NewKey, *, now: datetime) -> tuple[Key, str]:
        """A key and its secret, drawn but not yet in force: see `add`."""
        key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
        key = Key(
            id=key_id,
            holder=new.holder,
            kind=new.kind,
            owner=new.owner,
            roles=new.roles,
            units=new.units,
            integrations=new.integrations,
            supported_obligations=new.supported_obligations,
            created_at=now,
        )
        return key, f"pd_{key_id}_{secrets.token_urlsafe(32)}"

    def add(self, key: Key, secret: str) -> None:
        """Put a prepared key in force."""
        digest = self._digest(secret)
        with Session(self._engine) as session:
            session.add(_row(key, digest))
            session.commit()
        self._keys[key.id] = key
        self._by_digest[digest] = key.id

    def revoke(self, key_id: str, *, now: datetime) -> Key:
        """The key, dead from now on; one that is dead already keeps its date.

        Raises:
            NotFound: there is none.
        """
        key = self.get(key_id)
        if key.revoked_at is not None:
            return key
        # In memory first: should the file fail, the key is dead at least until the next start.
        self._keys[key_id] = revoked = replace(key, revoked_at=now)
        with Session(self._engine) as session:
            row = session.get_one(KeyRow, key_id)
            row.revoked_at = now.isoformat()
            session.add(row)
            session.commit()
        return revoked

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _digest(self, secret: str) -> str:
        return hmac.digest(self._pepper, secret.encode("utf-8", "replace"), "sha256").hex()


def _row(key: Key, digest: str) -> KeyRow:
    return KeyRow(
        id=key.id,
        digest=digest,
        holder=key.holder,
        kind=key.kind,
        owner=key.owner,
        roles=" ".join(sorted(key.roles)),
        units=" ".join(sorted(key.units)),
        integrations=" ".join(sorted(key.integrations)),
        supported_obligations=" ".join(key.supported_obligations),
        created_at=key.created_at.isoformat(),
        revoked_at=None,
    )


def _key(row: KeyRow) -> Key:
    return Key(
        id=row.id,
        holder=row.holder,
        kind=row.kind,
        owner=row.owner,
        roles=frozenset(row.roles.split()),
        units=frozenset(row.units.split()),
        integrations=frozenset(row.integrations.split()),
        supported_obligations=tuple(row.supported_obligations.split()),
        created_at=datetime.fromisoformat(row.created_at),
        revoked_at=datetime.fromisoformat(row.revoked_at) if row.revoked_at else None,
    )
