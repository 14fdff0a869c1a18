"""The data folder: everything a server keeps, and the lock that makes it one server's.

ledger.db          the log; opened by `store` and `reader` only
registry.db        keys and their holders
lock               held by the server and by its writer, with the server's process id
keys/signing.key   signs checkpoints (skey of Go's signed notes)
keys/retiring.key  the one before it, while both sign
keys/pepper        keys are stored hashed with it
outbox.json        how far the webhook has got, if there is one
projection.jsonl   limits and outcomes as of a record; made again from the log if it is lost
guard              where the log's guard is, if it has one
epochs/            logs that were not gone on with, each with its key
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from errno import EACCES, EDQUOT, EEXIST, ENOENT, ENOSPC, ENOTEMPTY, EPERM, EROFS
from pathlib import Path
from typing import Self

from policyd.ledger import epochs
from policyd.ledger.signing import Signer
from policyd.ledger.store import create as create_ledger
from policyd.model.errors import DataFolderError

PEPPER_BYTES = 32
_SEED_BYTES = 32
_POLL_SECONDS = 0.02
_PARTS = ("ledger.db", "lock", "keys/signing.key", "keys/pepper")


class DataFolder:
    """An open data folder; its lock is held until `close` and until its writer has ended.

    Attributes:
        path: The folder.
        lock_fd: Descriptor of the locked file, to be inherited by the writer.
        signer: Signs this log's checkpoints.
        pepper: 32 secret bytes.
    """

    def __init__(self, path: Path, lock_fd: int) -> None:
        self.path = path
        self.lock_fd = lock_fd
        self.signer = Signer.load(path / "keys/signing.key")
        self.pepper = _read_pepper(path / "keys/pepper")

    @classmethod
    def open(cls, path: Path, *, wait: float = 2.0) -> Self:
        """The folder, locked for this process.

        Args:
            path: Made by `create`.
            wait: Seconds to wait for another server, or its writer, to end.

        Raises:
            DataFolderError: it is missing, taken, damaged or cannot be written.
        """
        if not path.exists():
            raise DataFolderError(
                f"there is no data folder `{path}`: make one with `policyd init --data {path}`",
                code="data-folder-missing",
            )
        if (path / epochs.READY).is_dir():
            _finish_epoch(path, wait)
        for part in _PARTS:
            if not (path / part).is_file():
                raise _damaged(path / part, "is missing or is not a file")
        lock_fd = _lock(path / "lock", wait)
        try:
            return cls(path, lock_fd)
        except DataFolderError:
            os.close(lock_fd)
            raise

    @property
    def ledger(self) -> Path:
        """The log's file."""
        return self.path / "ledger.db"

    @property
    def registry(self) -> Path:
        """The file of keys and their holders."""
        return self.path / "registry.db"

    @property
    def projection(self) -> Path:
        """The file that sums up what the log says so far."""
        return self.path / "projection.jsonl"

    def close(self) -> None:
        """Give the lock up; a writer that still runs keeps it until it has ended."""
        os.close(self.lock_fd)


@contextmanager
def create(path: Path, origin: str) -> Iterator[DataFolder]:
    """A new data folder, there with all that the block does to it, or not at all.

    Inside the block it lies beside its place, under another name; whatever the block opens in it
    it must close. An exception in the block leaves nothing.

    Args:
        path: Where nothing exists yet; its parent does.
        origin: Name of the log.

    Raises:
        DataFolderError: something is there already, or the folder cannot be written.
        UsageError: *origin* cannot name a log.
    """
    if os.path.lexists(path):
        raise _exists(path)
    signer = Signer(origin, os.urandom(_SEED_BYTES))
    with _explained(path):
        # A crash before the rename leaves this folder, which nothing ever looks at.
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent))
    try:
        with _explained(path):
            _fill(aside, signer)
        with closing(DataFolder.open(aside)) as folder:
            yield folder
        with _explained(path):
            _put_in_place(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _finish_epoch(path: Path, wait: float) -> None:
    """Put a new log that is ready in the place of the old one, alone with the folder."""
    lock_fd = _lock(path / "lock", wait)
    try:
        with _explained(path):
            if (path / epochs.READY).is_dir():
                epochs.finish(path)
    finally:
        os.close(lock_fd)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refusal(error, path) from error


def _fill(folder: Path, signer: Signer) -> None:
    (folder / "keys").mkdir(0o700)
    signer.save(folder / "keys/signing.key")
    _write(folder / "keys/pepper", os.urandom(PEPPER_BYTES).hex().encode() + b"\n")
    _write(folder / "lock", b"")
    create_ledger(folder / "ledger.db", signer)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(aside: Path, path: Path) -> None:
    """Rename the finished folder; a crash leaves it under the one name or the other, whole."""
    for each in (aside / "keys", aside):
        _sync(each)
    aside.rename(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(path: Path, wait: float) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        raise refusal(error, path.parent) from error
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
                continue
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise _locked(path.parent, holder) from None
        break
    with suppress(OSError):  # on a full disk the number is not worth stopping for
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _read_pepper(path: Path) -> bytes:
    try:
        pepper = bytes.fromhex(path.read_text("ascii"))
    except (OSError, ValueError):
        pepper = b""
    if len(pepper) != PEPPER_BYTES:
        raise _damaged(path, f"is not {PEPPER_BYTES} bytes in hex")
    return pepper


def _locked(path: Path, holder: str) -> DataFolderError:
    who = f"process {holder}, or its writer," if holder.isdigit() else "another process"
    return DataFolderError(
        f"the data folder `{path}` is in use: {who} holds its lock; "
        "stop that server, or use another data folder",
        code="data-folder-locked",
    )


def _exists(path: Path) -> DataFolderError:
    return DataFolderError(
        f"`{path}` exists already: name another folder, or serve the one that is there",
        code="data-folder-exists",
    )


def _damaged(part: Path, what: str) -> DataFolderError:
    return DataFolderError(
        f"`{part}` {what}: restore the data folder from a backup, or name another one",
        code="data-folder-damaged",
    )


def refusal(error: OSError, path: Path) -> DataFolderError:
    """What the system's *error* at the data folder *path* means and asks for."""
    if error.errno in {EEXIST, ENOTEMPTY}:
        return _exists(path)
    if error.errno in {EACCES, EPERM, EROFS}:
        code, way_out = "data-folder-readonly", "make it writable for policyd, or name another one"
    elif error.errno in {ENOSPC, EDQUOT}:
        code, way_out = "data-folder-full", "free some space on its disk"
    elif error.errno == ENOENT:
        code, way_out = "data-folder-missing", "check that the folder around it exists"
    else:
        code, way_out = "data-folder-unusable", "check its disk, or name another one"
    return DataFolderError(
        f"the data folder `{path}` cannot be written ({error.strerror}): {way_out}", code=code
    )
