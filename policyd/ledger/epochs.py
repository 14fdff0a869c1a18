"""Epochs: a new log in the place of one that may not be gone on with.

The new log has another name and another key. Its first record says which log it goes on from, at
which checkpoint, and why. The old one is kept, with its key, in `epochs/` of the data folder.
"""

import os
import re
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from policyd.ledger import record
from policyd.ledger.signing import Signer
from policyd.ledger.stamp import Stamp
from policyd.ledger.store import Store
from policyd.ledger.store import create as create_ledger

Move = Callable[[Path, Path], object]

READY = "epoch.ready"
_ASIDE = "epoch.new"
_PLACE = "place"
_LEDGER = "ledger.db"
_KEY = "keys/signing.key"
# The log's side files go first: without its own, SQLite would read the file as it was before.
_OLD = ("guard", f"{_LEDGER}-wal", f"{_LEDGER}-shm", _LEDGER, "keys/retiring.key", _KEY)
_NEW = (_LEDGER, _KEY)
_SEED_BYTES = 32
_NUMBERED = re.compile(r"(.*)/([1-9][0-9]{0,8})")


def next_origin(origin: str) -> str:
    """The name of the log after this one.

    >>> next_origin("policyd.example/log"), next_origin("policyd.example/log/2")
    ('policyd.example/log/2', 'policyd.example/log/3')
    """
    found = _NUMBERED.fullmatch(origin)
    return f"{found[1]}/{int(found[2]) + 1}" if found else f"{origin}/2"


def prepare(folder: Path, origin: str, stamp: Stamp, previous: str | None, reason: str) -> Signer:
    """Make the new log of *folder*, whose lock is held, beside the old one, ready to take over.

    Until this returns nothing has changed for the old log; after it, `finish` is all that is left
    to do, and whoever opens the folder next does it.

    Args:
        folder: The data folder.
        origin: Name of the new log.
        stamp: Of its first record.
        previous: The last checkpoint that is known of the old one.
        reason: Why, in the words of who does it.
    """
    signer = Signer(origin, os.urandom(_SEED_BYTES))
    aside = folder / _ASIDE
    shutil.rmtree(aside, ignore_errors=True)  # what a crash within this function left
    (aside / "keys").mkdir(parents=True, mode=0o700)
    signer.save(aside / _KEY)
    create_ledger(aside / _LEDGER, signer)
    first = record.Epoch(**record.stamped(stamp), origin=origin, previous=previous, reason=reason)
    with closing(Store(aside / _LEDGER, signer)) as store:
        store.append([record.encode(first)])
    (aside / _PLACE).write_text(_free_place(folder), encoding="ascii")
    for each in (aside / _LEDGER, aside / _PLACE, aside / "keys", aside):
        _sync(each)
    # A crash before this rename leaves the old log in use, and a folder that nothing looks at.
    aside.rename(folder / READY)
    _sync(folder)
    return signer


def finish(folder: Path, move: Move = Path.rename) -> None:
    """Put the prepared log in the place of the old one by *move*; the lock is held.

    Every step can be done again: a crash between any two leaves the folder to be finished by the
    next one who opens it, and nothing is lost, since files are only moved.
    """
    ready = folder / READY
    if not (ready / _PLACE).exists():  # all is in place; a crash kept this from being cleared away
        shutil.rmtree(ready)
        return
    kept = folder / (ready / _PLACE).read_text("ascii")
    (kept / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
    if (ready / _LEDGER).exists():  # once the new log moves in, what lies here is its own
        for part in _OLD:
            if (folder / part).exists() and not (kept / part).exists():
                move(folder / part, kept / part)
        for each in (kept / "keys", kept, kept.parent, folder):
            _sync(each)
    for part in _NEW:
        if (ready / part).exists():
            move(ready / part, folder / part)
            _sync((folder / part).parent)
    shutil.rmtree(ready)
    _sync(folder)


def _free_place(folder: Path) -> str:
    number = 1
    while (folder / "epochs" / str(number)).exists():
        number += 1
    return f"epochs/{number}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
