"""Making and revoking keys: each act recorded before it takes effect."""

from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.stamp import Stamp
from policyd.model.keys import Key
from policyd.registry.keys import KeyStore, NewKey


class KeyPoint:
    """The only mover of keys while a server runs."""

    def __init__(self, keys: KeyStore, ledger: Ledger) -> None:
        self._keys = keys
        self._ledger = ledger

    async def create(self, by: Key, new: NewKey) -> tuple[Key, str]:
        """A new key and its secret, which is shown this once."""
        made = self._ledger.stamp()
        key, secret = self._keys.prepare(new, now=made.at)
        await self._ledger.append([_act(made, "key-created", key.id, by)])
        # A crash here leaves a record of a key that never worked; nobody has seen its secret.
        self._keys.add(key, secret)
        return key, secret

    async def revoke(self, by: Key, key_id: str) -> Key:
        """The key, revoked from now on.

        Raises:
            NotFound: there is no key of that id.
        """
        self._keys.get(key_id)
        made = self._ledger.stamp()
        await self._ledger.append([_act(made, "key-revoked", key_id, by)])
        # A crash here leaves the key working though the log says otherwise; the admin, who got
        # no answer, revokes again.
        return self._keys.revoke(key_id, now=made.at)

    def list(self) -> tuple[Key, ...]:
        """Every key, revoked ones too, without secrets."""
        return self._keys.list()


def _act(made: Stamp, act: str, target: str, by: Key) -> bytes:
    return record.encode(record.Admin(**record.stamped(made), act=act, target=target, by=by.id))
