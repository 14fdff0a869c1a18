"""Making and revoking keys: each act recorded before it takes effect."""

from collections.abc import Iterator

from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.ledger.stamp import Stamp
from policyd.model.keys import Key
from policyd.model.rules import OBLIGATIONS
from policyd.points.administration import PolicyInForce
from policyd.registry.keys import KeyStore, NewKey


class KeyPoint:
    """The only mover of keys while a server runs."""

    def __init__(self, keys: KeyStore, ledger: Ledger, policy: PolicyInForce) -> None:
        self._keys = keys
        self._ledger = ledger
        self._policy = policy

    async def create(self, by: Key, new: NewKey) -> tuple[Key, str]:
        """A new key and its secret, which is shown this once."""
        made = self._ledger.stamp()
        key, secret = self._keys.prepare(new, now=made.at)
        await self._ledger.append([_act(made, "key-created", key.id, by)])
        # A crash here leaves a record of a key that never worked; nobody has seen its secret.
        self._keys.add(key, secret)
        return key, secret

    def unknown(self, key: Key) -> list[str]:
        """The names in a key that the policy in force does not have, such as `unit sale`.

        They are no error: a key may be made before the policy that it is for.
        """
        return list(self._unknown(key))

    def _unknown(self, key: Key) -> Iterator[str]:
        snapshot = self._policy.current.engine.snapshot
        if key.owner and key.owner not in snapshot.owners:
            yield f"owner {key.owner}"
        yield from (f"unit {each}" for each in sorted(key.units.difference(snapshot.units)))
        for each in key.supported_obligations:
            if each not in OBLIGATIONS:
                yield f"obligation {each}"
        for each in sorted(key.integrations.difference(snapshot.integrations)):
            yield f"integration {each}"

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
