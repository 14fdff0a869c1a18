"""What is done to a log while no server runs: each opens the data folder, and so holds its lock."""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from policyd.ledger import epochs, rotation
from policyd.ledger.folder import DataFolder, refusal
from policyd.ledger.guard import Guard
from policyd.ledger.reader import Reader
from policyd.ledger.stamp import Stamper, moment
from policyd.ledger.store import Store
from policyd.model.errors import DataFolderError, LedgerUnavailable, UsageError
from policyd_audit.checkpoint import Checkpoint
from policyd_audit.claim import remembered
from policyd_audit.errors import Malformed
from policyd_audit.tree import EMPTY_ROOT

LONGEST_REASON = 500

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """A new log: its name and key, and the checkpoint it goes on from, if one is known."""

    origin: str
    vkey: str
    previous: Checkpoint | None


def new_epoch(
    path: Path, guard: Guard | None, clock: Clock, *, reason: str, origin: str | None = None
) -> NewEpoch:
    """Begin a new log in the data folder at *path*.

    Args:
        path: The data folder.
        guard: It knows the last checkpoint of the old log, if that was rolled back.
        clock: The machine's time.
        reason: Why, to be read in the new log for ever.
        origin: Name of the new log; by default that of the old one with the next number.

    Raises:
        UsageError: no reason, or a name that the log cannot have.
        DataFolderError: the folder cannot be used.
    """
    if not reason.strip() or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise UsageError(
            f"say why in one line of at most {LONGEST_REASON} characters: --reason TEXT",
            code="reason-missing",
        )
    with closing(DataFolder.open(path)) as folder:
        named = origin or epochs.next_origin(folder.signer.origin)
        if named == folder.signer.origin:
            raise UsageError(f"the old log is named `{named}`: choose another", code="origin-taken")
        text = _last_known(folder, guard)
        stamp = Stamper(None, clock).draw()
        try:
            signer = epochs.prepare(path, named, stamp, text, reason)
            # A crash here leaves a guard of the old log, which the new one's first record names.
            epochs.finish(path)
            if guard:
                guard.advance(signer.checkpoint(0, EMPTY_ROOT))
        except OSError as error:
            raise refusal(error, path) from error
    return NewEpoch(named, signer.vkey, remembered(text) if text else None)


def rotate_key(path: Path, clock: Clock) -> str:
    """Give the log a second key, and return its verifier key; raises as `rotation.rotate`."""
    with closing(DataFolder.open(path)) as folder:
        stamper = Stamper(_last(folder), clock)
        try:
            return rotation.rotate(path, folder.signer, stamper.draw()).vkey
        except OSError as error:
            raise refusal(error, path) from error


def retire_key(path: Path, clock: Clock) -> str:
    """End the log's older key, and return its verifier key; raises as `rotation.retire`."""
    with closing(DataFolder.open(path)) as folder:
        stamper = Stamper(_last(folder), clock)
        try:
            return rotation.retire(path, folder.signer, stamper.draw())
        except OSError as error:
            raise refusal(error, path) from error


def _last(folder: DataFolder) -> datetime | None:
    """Time of the last record."""
    with closing(Store(folder.ledger, folder.signer)) as store:
        return moment(store.last_ts) if store.last_ts else None


def _last_known(folder: DataFolder, guard: Guard | None) -> str | None:
    """The note of the newest checkpoint that is known of the old log, wherever it is."""
    notes = []
    # Either may be so damaged that only the other knows.
    with closing(Reader(folder.ledger)) as reader, suppress(LedgerUnavailable):
        notes.append(reader.state().note)
    with suppress(DataFolderError):
        kept = guard.newest() if guard else None
        if kept and kept[0].origin == folder.signer.origin:
            notes.append(kept[1])
    known = []
    for each in notes:
        try:
            known.append((remembered(each).size, each))
        except Malformed:
            continue
    return max(known)[1] if known else None
