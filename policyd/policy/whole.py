"""A policy tree as a whole: the files that decide, and those beside them that people keep there.

This is what is proposed, stored and handed out again. Tests, schemas and prose decide nothing, so
two whole trees may have one snapshot; each has a name of its own.
"""

import re
import zlib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from policyd.model.errors import UsageError
from policyd.policy import json_in_turns
from policyd.policy.documents import MAX_BYTES

MAX_FILES = 20_000
LONGEST_PATH = 240
PATH = r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*"
"""What a path in a tree is like; no part begins with a dot."""
_PATH = re.compile(PATH, re.ASCII)


def tree_digest(files: Mapping[str, bytes]) -> str:
    """The name of a whole tree: `sha256:` and the SHA-256 of its list of files, in hex.

    The list is as `policy.manifest` writes it, but of all files.
    """
    paths = sorted(files, key=str.encode)
    lines = (f"{sha256(files[path]).hexdigest()}  {path}\n" for path in paths)
    return f"sha256:{sha256(''.join(lines).encode()).hexdigest()}"


def packed(files: Mapping[str, bytes]) -> bytes:
    """The tree's bytes to be kept: JSON, compressed."""
    text = json_in_turns.dumps({path: data.decode() for path, data in files.items()})
    return zlib.compress(text.encode(), 6)


def unpacked(data: bytes) -> dict[str, bytes]:
    """The tree that *data* keeps.

    Raises:
        ValueError: it keeps none.
    """
    try:
        found = json_in_turns.loads(zlib.decompress(data).decode())
        return {path: text.encode() for path, text in found.items()}
    except (zlib.error, AttributeError) as error:
        raise ValueError(f"these bytes keep no tree: {error}") from error


def fault(path: str) -> str | None:
    """Why a tree cannot have a file of this path; None if it can.

    >>> fault("units/hr/access.yaml"), fault("../etc/passwd") is None
    (None, False)
    """
    if len(path) > LONGEST_PATH or not _PATH.fullmatch(path):
        return "a path has letters, digits, `_`, `-`, `.` and `/`, and no part begins with a dot"
    return None


def read_whole(root: Path) -> dict[str, bytes]:
    """Every file in *root* but those that are hidden, by path.

    Raises:
        UsageError: there is no such folder, or one of its files cannot be part of a tree.
    """
    if not root.is_dir():
        raise UsageError(f"there is no folder `{root}`: name a policy tree", code="no-folder")
    files: dict[str, bytes] = {}
    for where in sorted(root.rglob("*")):
        path = where.relative_to(root).as_posix()
        if any(part.startswith(".") for part in path.split("/")) or where.is_dir():
            continue
        files[path] = _read(where, path)
    if len(files) > MAX_FILES:
        raise UsageError(f"`{root}` has more than {MAX_FILES:,} files", code="tree-too-large")
    return files


def _read(where: Path, path: str) -> bytes:
    why = fault(path)
    try:
        if where.is_symlink() or not where.is_file():
            why = "it is a link or no ordinary file; copy the file instead"
        data = b"" if why else where.read_bytes()
        data.decode()
    except OSError as error:
        why = f"it cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        why = "it is not UTF-8"
    if not why and len(data) > MAX_BYTES:
        why = f"it has more than {MAX_BYTES:,} bytes"
    if why:
        shown = "".join(each if each.isprintable() else "�" for each in path)
        raise UsageError(f"`{shown}` cannot be part of a tree: {why}", code="file-unusable")
    return data
