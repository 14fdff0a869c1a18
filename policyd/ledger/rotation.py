"""Rotation: another key for the same log, in two steps with time between them.

After the first both keys sign, so that verifiers can go over from one to the other; the record of
it, under the old key, says which key is the new one. The second step ends the old key.
"""

import os
from contextlib import closing
from pathlib import Path

from policyd.ledger import record
from policyd.ledger.signing import RETIRING, Signer
from policyd.ledger.stamp import Stamp
from policyd.ledger.store import Store
from policyd.model.errors import Conflict

_SEED_BYTES = 32
_BY = "offline"


def rotate(folder: Path, signer: Signer, stamp: Stamp) -> Signer:
    """Give the log a new key beside its old one; whose lock is held.

    Raises:
        Conflict: an earlier rotation has not ended.
    """
    if signer.retiring:
        raise Conflict(
            "two keys sign already: end the older one with `policyd audit retire-key` first",
            code="rotation-unfinished",
        )
    new = Signer(signer.origin, os.urandom(_SEED_BYTES), retiring=signer)
    # A crash after this record leaves a key announced that never signs: rotate again.
    _say(folder, signer, stamp, "signing-key-added", new.vkey)
    keys = folder / "keys"
    aside = keys / "new.key"
    aside.unlink(missing_ok=True)
    (keys / RETIRING).unlink(missing_ok=True)  # what a crash between the next steps left
    signer.save(keys / RETIRING)
    new.save(aside)
    # A crash before this rename leaves the old key twice, which counts as once.
    aside.rename(keys / "signing.key")
    _sync(keys)
    return new


def retire(folder: Path, signer: Signer, stamp: Stamp) -> str:
    """End the log's older key, and return its verifier key.

    Raises:
        Conflict: there is no older key.
    """
    if signer.retiring is None:
        raise Conflict(
            "only one key signs: begin with `policyd audit rotate-key`", code="rotation-not-begun"
        )
    old = signer.retiring.vkey
    # The checkpoint of this record has both signatures, the new key's too, whatever was before.
    _say(folder, signer, stamp, "signing-key-retired", old)
    # A crash here leaves both keys signing: retire it again.
    (folder / "keys" / RETIRING).unlink()
    _sync(folder / "keys")
    return old


def _say(folder: Path, signer: Signer, stamp: Stamp, act: str, vkey: str) -> None:
    with closing(Store(folder / "ledger.db", signer)) as store:
        said = record.Admin(**record.stamped(stamp), act=act, target=vkey, by=_BY)
        store.append([record.encode(said)])


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
