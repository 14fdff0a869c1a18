"""Keys: made, found by what a caller presents, and revoked.

A secret is 256 random bits, shown once; only its HMAC-SHA-256 under the data folder's pepper is
kept, so that neither the file nor a backup of it lets anyone in.
"""

import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Self

from sqlalchemy import Engine
from sqlmodel import Session, select

from policyd.model.errors import DataFolderError, NotFound, UsageError
from policyd.model.keys import ROLES, Key
from policyd.registry.database import open_database, told
from policyd.registry.tables import KeyRow

_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"  # base32, RFC 4648, in lower case
_ID_LENGTH = 8
_SECRET_BYTES = 32
_SECRET = re.compile(r"pd_[a-z2-7]{8}_[A-Za-z0-9_-]{43}", re.ASCII)

LONGEST_HOLDER = 120
LONGEST_NAME = 60
LONGEST_INTEGRATION = 2 * LONGEST_NAME + 1
_WORDS = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
NAME = re.compile(_WORDS)
INTEGRATION = re.compile(f"{_WORDS}/{_WORDS}")
# Neither control nor format characters, no private ones, no space but the ordinary one: what two
# persons read as the same name is the same name.
_SEEN = (
    r"[^\u0000-\u0020\u007f-\u00a0\u00ad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u3000\ue000-\uf8ff\ufeff\ufff9-\uffff]"
)
HOLDER = re.compile(f"{_SEEN}(?:(?:{_SEEN}| )*{_SEEN})?")
BOUND = frozenset({"pep", "builder"})
OF_PERSONS = frozenset({"admin", "author", "approver"})


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made.

    Raises:
        UsageError: a part is missing or cannot be what it says.
    """

    holder: str
    kind: str  # person or service
    roles: frozenset[str]
    owner: str | None = None
    units: frozenset[str] = frozenset()
    integrations: frozenset[str] = frozenset()
    supported_obligations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would be a key that nobody answers for, or that is bound to nothing."""
        for fault in (*self._misnamed(), *self._unfit()):
            raise UsageError(fault, code="key-invalid")

    def _misnamed(self) -> Iterator[str]:
        if not _fits(self.holder, HOLDER, LONGEST_HOLDER):
            yield f"a holder has 1 to {LONGEST_HOLDER} printable characters, no space at the ends"
        if self.kind not in {"person", "service"}:
            yield f"a holder is a `person` or a `service`, not a `{self.kind}`"
        for role in sorted(self.roles - set(ROLES)):
            yield f"`{role}` is no role; use {', '.join(ROLES)}"
        for name in (*sorted(self.units), *self.supported_obligations, self.owner):
            if name is not None and not _fits(name, NAME, LONGEST_NAME):
                yield f"`{name}` is no name; write lower-case words joined by hyphens"
        for name in sorted(self.integrations):
            if not _fits(name, INTEGRATION, LONGEST_INTEGRATION):
                yield f"`{name}` is no integration; write `unit/integration`"

    def _unfit(self) -> Iterator[str]:
        if not self.roles:
            yield f"a key has at least one role: {', '.join(ROLES)}"
        if self.kind == "service" and self.owner is None:
            yield "a service's key names the owner who answers for it"
        if self.kind == "service" and not self.roles.isdisjoint(OF_PERSONS):
            yield "the roles admin, author and approver are for persons; make the key a person's"
        if not self.roles.isdisjoint(BOUND) and not self.units | self.integrations:
            yield "a pep or builder key is bound to units or integrations; name at least one"


class KeyStore:
    """All keys, in memory and in the registry's file; a data folder has one at a time."""

    def __init__(self, path: Path, engine: Engine, pepper: bytes) -> None:
        self._path = path
        self._engine = engine
        self._pepper = pepper
        with told(path), Session(engine) as session:
            rows = session.exec(select(KeyRow)).all()
            self._keys = {row.id: _key(row) for row in rows}
            self._by_digest = {row.digest: row.id for row in rows}
        # By SHA-256 of secrets that were found before, one of each key: a fifth of the HMAC's
        # cost. In memory alone; whether the key is live is looked up each time all the same.
        self._found: dict[bytes, str] = {}

    @classmethod
    def open(cls, path: Path, pepper: bytes) -> Self:
        """The keys of the registry at *path*, which is made if it is not there.

        Raises:
            DataFolderError: the file cannot be used.
        """
        engine = open_database(path)
        try:
            return cls(path, engine, pepper)
        except DataFolderError:
            engine.dispose()
            raise

    def find(self, presented: str) -> Key | None:
        """The live key whose secret *presented* is, whatever that may be; from memory alone."""
        quick = sha256(presented.encode("utf-8", "surrogatepass")).digest()
        key_id = self._found.get(quick)
        if key_id is None:
            key_id = self._by_secret(presented)
            if key_id is None:
                return None
            self._found[quick] = key_id
        key = self._keys[key_id]
        return key if key.revoked_at is None else None

    def _by_secret(self, presented: str) -> str | None:
        if not _SECRET.fullmatch(presented):
            return None
        return self._by_digest.get(self._digest(presented))

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
        key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))
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
        return key, f"pd_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"

    def add(self, key: Key, secret: str) -> None:
        """Put a prepared key in force.

        Raises:
            DataFolderError: it could not be written, and is not in force.
        """
        digest = self._digest(secret)
        with told(self._path), Session(self._engine) as session:
            session.add(_row(key, digest))
            session.commit()
        self._keys[key.id] = key
        self._by_digest[digest] = key.id

    def revoke(self, key_id: str, *, now: datetime) -> Key:
        """The key, dead from now on; one that is dead already keeps its date.

        Raises:
            NotFound: there is none.
            DataFolderError: it could not be written; the key is dead until the next start only.
        """
        key = self.get(key_id)
        revoked = key if key.revoked_at else replace(key, revoked_at=now)
        # In memory first. Written also if it was dead before: that may not have reached the file.
        self._keys[key_id] = revoked
        with told(self._path), Session(self._engine) as session:
            row = session.get_one(KeyRow, key_id)
            row.revoked_at = _written(revoked.revoked_at)
            session.add(row)
            session.commit()
        return revoked

    def derived(self, purpose: str) -> bytes:
        """A secret of this data folder for another purpose, the same after each start."""
        return hmac.digest(self._pepper, f"policyd {purpose}".encode(), "sha256")

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _digest(self, secret: str) -> str:
        return hmac.digest(self._pepper, secret.encode(), "sha256").hex()


def _fits(text: str, pattern: re.Pattern[str], longest: int) -> bool:
    return len(text) <= longest and pattern.fullmatch(text) is not None and _is_unicode(text)


def _is_unicode(text: str) -> bool:
    """Whether the text is free of halves of surrogate pairs, which no file holds."""
    return not any("\ud800" <= each <= "\udfff" for each in text)


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
        revoked_at=_written(key.revoked_at),
    )


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


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
