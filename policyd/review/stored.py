"""A policy folder as a commit has it, read as it would be read on disk."""

import posixpath
from collections.abc import Iterator, Mapping
from itertools import accumulate

from policyd.model.findings import Finding
from policyd.policy.documents import MAX_BYTES
from policyd.policy.folder import LEAVES, LINKED_FOLDER, printable
from policyd.policy.layout import Selection
from policyd.review.git import Entry, Repository

_LINK = "120000"
_SUBMODULE = "160000"
_MAX_LINKS = 40  # as Linux has it
_MAX_LINK = 4096  # bytes of a path; a longer one is read as zeros, and so leads nowhere
_GONE = "it cannot be read: No such file or directory"
_CIRCLE = "it cannot be read: Too many levels of symbolic links"
_SUBMODULES = "it is a submodule; policy files have to be in this repository itself"


def read(
    repository: Repository, entries: Mapping[str, Entry], selection: Selection
) -> tuple[dict[str, bytes], list[Finding]]:
    """The files that *selection* takes of a folder with *entries*, and what cannot be read.

    Both are what `folder.read` says of a checkout, but for submodules: they are refused, since
    the commit does not have what is in them.
    """
    reader = _Reader(repository, entries, selection)
    for path in sorted(entries):
        reader.take(path)
    contents = repository.blobs((each.id for each in reader.wanted.values()), MAX_BYTES)
    read_ = {path: contents[entry.id] for path, entry in reader.wanted.items()}
    return reader.files | read_, reader.findings


class _Reader:
    """Decides of each entry what becomes of it.

    Attributes:
        wanted: Entries to be read, by the path at which they count.
        files: What should not be there, without its content.
    """

    def __init__(
        self, repository: Repository, entries: Mapping[str, Entry], selection: Selection
    ) -> None:
        self.wanted: dict[str, Entry] = {}
        self.files: dict[str, bytes] = {}
        self.findings: list[Finding] = []
        self._entries = entries
        self._selection = selection
        self._folders = {folder for path in entries for folder in _folders_of(path)}
        links = (each.id for each in entries.values() if each.mode == _LINK)
        self._links = repository.blobs(links, _MAX_LINK)

    def take(self, path: str) -> None:
        """Take the entry at *path*, unless it lies in a folder that is not opened."""
        for folder in _folders_of(path):
            if self._selection.skips(folder):
                return
            if not self._selection.opens(folder):
                self.files[f"{printable(folder)}/"] = b""
                return
        if self._selection.skips(path):
            return
        entry = self._entries[path]
        if entry.mode == _LINK:
            self._take_link(path)
        elif entry.mode == _SUBMODULE:
            self._take_folder(path, _SUBMODULES)
        else:
            self._take_file(path, entry)

    def _take_file(self, path: str, entry: Entry) -> None:
        if not self._selection.takes(path):
            self.files[printable(path)] = b""
        else:
            self.wanted[path] = entry

    def _take_folder(self, path: str, why: str) -> None:
        if self._selection.opens(path):
            self._refuse(path, why)
        else:
            self.files[f"{printable(path)}/"] = b""

    def _take_link(self, path: str) -> None:
        try:
            end = self._end_of(path)
        except _Unfollowed as error:
            self._refuse(path, str(error))
            return
        if end in self._entries and self._entries[end].mode != _SUBMODULE:
            self._take_file(path, self._entries[end])
        else:
            self._take_folder(path, LINKED_FOLDER)

    def _end_of(self, path: str) -> str:
        """The path to which the link at *path* leads, through links on the way."""
        ahead, done, followed = path.split("/"), "", 0
        while ahead:
            step = ahead.pop(0)
            if step == "..":
                if not done:
                    raise _Unfollowed(LEAVES)
                done = posixpath.dirname(done)
                continue
            if step in {"", "."}:
                continue
            here = posixpath.join(done, step)
            target = self._target(here)
            if target is None:
                done = self._stepped(here, is_last=not ahead)
                continue
            followed += 1
            if followed > _MAX_LINKS:
                raise _Unfollowed(_CIRCLE)
            ahead = [*target.split("/"), *ahead]
        return done

    def _target(self, path: str) -> str | None:
        """What the link at *path* says, None if it is none."""
        entry = self._entries.get(path)
        if entry is None or entry.mode != _LINK:
            return None
        target = self._links[entry.id].decode("utf-8", errors="surrogateescape")
        if target.startswith("/"):
            raise _Unfollowed(LEAVES)
        return target

    def _stepped(self, path: str, *, is_last: bool) -> str:
        """*path*, if there is such a folder, or at the end such a file."""
        is_file = path in self._entries and is_last
        if not is_file and path not in self._folders:
            raise _Unfollowed(_GONE)
        return path

    def _refuse(self, path: str, why: str) -> None:
        self.findings.append(Finding(printable(path), 1, 1, "unreadable-file", why))


class _Unfollowed(Exception):
    """A link that leads to no file of the folder, with the reason."""


def _folders_of(path: str) -> Iterator[str]:
    """The folders that *path* is in, from the outside.

    >>> list(_folders_of("units/hr/unit.yaml"))
    ['units', 'units/hr']
    """
    return accumulate(path.split("/")[:-1], posixpath.join)
