"""Replacing: a file's new content in the place of the old, whole or not at all."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def replace_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Have the file at *path* say *pieces*, one after the other; on the disk on return.

    A crash here leaves what was there or what is new, and perhaps a file beside it, whose name
    begins with a dot and which nothing ever reads.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
