"""Targets: what a command is pointed at, a log in one of its three homes or a proof by itself."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from policyd_audit import receipt, succession
from policyd_audit.errors import Malformed, Unreadable, shown
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.receipt import Receipt
from policyd_audit.sources import KEY, Folder, Server
from policyd_audit.succession import Succession
from policyd_audit.tiled_log import TiledLog

_MAX_TEXT_BYTES = 1 << 20
_OLD = b"old "


def proof_at(target: str) -> Receipt | Succession | None:
    """Return the receipt or proof in the file *target*; None where it is no such file.

    Raises:
        Malformed: it begins like one, but is none.
        Unreadable: the file cannot be read.
    """
    path = Path(target)
    if is_url(target) or not is_file(path):
        return None
    with readable(path), path.open("rb") as file:
        start = file.read(len(receipt.HEADER))
    if start != receipt.HEADER.encode() and not start.startswith(_OLD):
        return None
    text = read_text(path, "receipt-malformed")
    return succession.parse(text) if text.startswith("old ") else receipt.parse(text)


@contextmanager
def log_at(
    target: str, environment: Mapping[str, str] = os.environ
) -> Iterator[LedgerFile | TiledLog]:
    """Give the log at *target*, until the block ends.

    Raises:
        Unreadable: there is none, or it cannot be read now.
        Malformed: it is no ledger.
    """
    if is_url(target):
        server = Server(target, environment.get(KEY, "").strip())
        with TiledLog(server) as log:
            yield log
    elif not is_file(Path(target)) and not os.path.isdir(target):  # noqa: PTH112 - raises nothing
        raise Unreadable("file-missing", f"there is no file or folder {shown(target)}")
    elif Path(target).is_dir():
        with TiledLog(Folder(Path(target))) as log:
            yield log
    else:
        with LedgerFile(Path(target)) as ledger:
            yield ledger


def is_file(path: Path) -> bool:
    """Return whether *path* is a file; no name is too odd to be asked about."""
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def is_url(target: str) -> bool:
    """Return whether *target* names a server and not a file."""
    return target.startswith(("http://", "https://"))


def read_text(path: Path, code: str) -> str:
    """Return the text of a small file.

    Raises:
        Malformed: it is no text, or a long one; with *code*.
        Unreadable: there is no such file, or it cannot be read.
    """
    with readable(path), path.open("rb") as file:
        data = file.read(_MAX_TEXT_BYTES + 1)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Malformed(code, f"{shown(path.name)} is not UTF-8") from None
    if len(data) > _MAX_TEXT_BYTES:
        raise Malformed(code, f"{shown(path.name)} has more than {_MAX_TEXT_BYTES:,} bytes")
    return text


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise `Unreadable` where the file at *path* cannot be read in the block."""
    try:
        yield
    except FileNotFoundError:
        raise Unreadable("file-missing", f"there is no file {shown(str(path))}") from None
    except OSError as error:
        why = f"{shown(str(path))} cannot be read: {error.strerror}"
        raise Unreadable("file-unreadable", why) from error
