"""Guard: the last published checkpoint, kept where no backup of the data folder reaches.

A log whose data folder is put back to an earlier state would sign, under the same name and key,
records that contradict those it has published: to whoever saw both it would be a forger. So a log
that has a guard does not start behind it.

The file has the signed checkpoint itself. The data folder knows by a mark that there is one.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from policyd.ledger.reader import Reader
from policyd.ledger.record import Epoch
from policyd.ledger.replacing import replace_file
from policyd.ledger.trouble import DAMAGED
from policyd.model.errors import DataFolderError, LedgerUnavailable
from policyd_audit.checkpoint import Checkpoint
from policyd_audit.claim import remembered
from policyd_audit.errors import Malformed

MARK = "guard"
_NEW_EPOCH = "policyd audit new-epoch --reason TEXT"
_MOST = 1 << 18


@dataclass(frozen=True, slots=True)
class Guard:
    """The file of the guard, outside the data folder."""

    path: Path

    def newest(self) -> tuple[Checkpoint, str] | None:
        """The last published checkpoint and its note; None while there is no file.

        Raises:
            DataFolderError: the file cannot be read or is no checkpoint.
        """
        try:
            with self.path.open("rb") as file:
                text = file.read(_MOST).decode()
            return remembered(text), text
        except FileNotFoundError:
            return None
        except (OSError, ValueError, Malformed) as error:
            raise DataFolderError(
                f"the guard `{self.path}` cannot be used ({error}): restore it from wherever"
                f" it is kept; if it is lost, begin a new log with `{_NEW_EPOCH}`",
                code="guard-damaged",
            ) from error

    def advance(self, note: str) -> None:
        """Keep a newer checkpoint; it is on the disk on return.

        A crash here leaves the older checkpoint or this one, whole. Nobody has seen this one yet.

        Raises:
            LedgerUnavailable: it cannot be written.
        """
        try:
            replace_file(self.path, [note.encode()])
        except OSError as error:
            raise LedgerUnavailable(
                f"the guard `{self.path}` cannot be written ({error.strerror}), so no checkpoint"
                " is published: make it writable for policyd",
                code="guard-unwritable",
            ) from error


def check_guard(folder: Path, guard: Guard | None, reader: Reader) -> None:
    """See that the log is not behind what it has published; a guard is adopted the first time.

    Raises:
        DataFolderError: it is behind, goes on otherwise, or its guard is not there.
    """
    mark = folder / MARK
    if guard is None:
        if mark.exists():
            raise _refusal(
                "guard-unset",
                f"the log in `{folder}` has a guard, `{_said(mark)}`: set POLICYD_GUARD to it",
            )
        return
    kept = guard.newest()
    if kept is None and mark.exists():
        raise _refusal(
            "guard-missing",
            f"the guard `{guard.path}` is missing, so nobody knows what this log has published:"
            f" bring the file back; if it is lost, begin a new log with `{_NEW_EPOCH}`",
        )
    if kept is not None:
        _check_not_behind(kept[0], guard, reader)
    else:
        guard.advance(reader.state().note)
    # A crash before the mark leaves a guard that is met, and held to, at the next start.
    if not mark.exists():
        replace_file(mark, [f"{guard.path.absolute()}\n".encode()])


def _check_not_behind(kept: Checkpoint, guard: Guard, reader: Reader) -> None:
    own = _own(reader)
    if kept.origin != own.origin:
        if not _continues(kept, reader):
            raise _refusal(
                "guard-foreign",
                f"the guard `{guard.path}` is of the log `{kept.origin}`, not of `{own.origin}`:"
                " set POLICYD_GUARD to this log's own file, or serve the other data folder",
            )
    elif kept.size > own.size:
        raise _refusal(
            "ledger-rolled-back",
            f"the log has {own.size} records, but has published a checkpoint of {kept.size}"
            f" (`{guard.path}`): this data folder is an older copy. Serve the newest one; if it"
            f" is lost, begin a new log with `{_NEW_EPOCH}`",
        )
    elif reader.root(kept.size) != kept.root:
        raise _refusal(
            "ledger-rewritten",
            f"the log does not go on from the checkpoint of {kept.size} records it has published"
            f" (`{guard.path}`): this data folder is another one, or was changed. Serve the right"
            f" one; if it is lost, begin a new log with `{_NEW_EPOCH}`",
        )


def _own(reader: Reader) -> Checkpoint:
    """The log's own newest checkpoint."""
    try:
        return remembered(reader.state().note)
    except Malformed as error:
        raise _refusal("ledger-damaged", f"the log is damaged: {error}; {DAMAGED}") from error


def _continues(kept: Checkpoint, reader: Reader) -> bool:
    """Whether the log's first record says that it goes on from *kept*, or from later on."""
    try:
        (first,) = reader.page(limit=1, newest_first=False).records
        previous = remembered(msgspec.json.decode(first.leaf, type=Epoch).previous or "")
    except (ValueError, Malformed):  # what msgspec raises is one too
        return False
    return previous.origin == kept.origin and previous.size >= kept.size


def _said(mark: Path) -> str:
    return mark.read_text("utf-8", "replace").strip()


def _refusal(code: str, message: str) -> DataFolderError:
    return DataFolderError(message, code=code)
