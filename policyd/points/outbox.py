"""Outbox: how far another system has taken the log, kept in a file beside it.

The log itself is the queue, so nothing is written twice and nothing is lost before it is sent. The
file names the next record; it moves on only after that system has taken what came before.

    {"origin":"policyd.example/log","next":4711}
"""

import json
from contextlib import suppress
from pathlib import Path

from policyd.ledger.replacing import replace_file
from policyd.model.errors import DataFolderError


class Outbox:
    """The place in one log that one system has got to.

    Attributes:
        next: The number of the next record to be sent.
    """

    def __init__(self, path: Path, origin: str, size: int) -> None:
        """Go on where the file at *path* says; without it, with what comes after *size* records.

        A file about another log, one that was ended, is of no use: then all of this one is sent.

        Raises:
            DataFolderError: the file cannot be read, or is ahead of the log.
        """
        self._path = path
        self._origin = origin
        found = _read(path)
        if found is None:
            self.next = size
            self.advance(size)
        else:
            self.next = found[1] if found[0] == origin else 0
        if self.next > size:
            raise DataFolderError(
                f"`{path}` says that {self.next} records were sent, of a log that has {size}:"
                " the folder is an older copy; see `policyd audit new-epoch`",
                code="outbox-ahead",
            )

    def advance(self, following: int) -> None:
        """Everything before record *following* was taken; that is on the disk when this returns.

        A crash before it has everything since the last time sent again.

        Raises:
            OSError: it cannot be written.
        """
        said = {"origin": self._origin, "next": following}
        replace_file(self._path, [json.dumps(said).encode()])
        self.next = following


def _read(path: Path) -> tuple[str, int] | None:
    """The log and the place that the file names; None if there is no file."""
    with suppress(FileNotFoundError):
        try:
            said = json.loads(path.read_bytes())
            origin, following = said["origin"], said["next"]
        except (ValueError, TypeError, KeyError) as error:
            raise _unreadable(path, "it is damaged") from error
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _unreadable(path, str(error.strerror)) from error
        if not isinstance(origin, str) or type(following) is not int or following < 0:
            raise _unreadable(path, "it is damaged")
        return origin, following
    return None


def _unreadable(path: Path, why: str) -> DataFolderError:
    return DataFolderError(
        f"`{path}` cannot be read ({why}): write into it what the receiver of the webhook has, or"
        " remove it to send only what comes from now on",
        code="outbox-unreadable",
    )
