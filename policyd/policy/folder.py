"""A policy folder on disk as a mapping of relative paths to bytes."""

import stat
from pathlib import Path

from policyd.model.findings import Finding
from policyd.policy import layout
from policyd.policy.documents import MAX_BYTES

LEAVES = "it is a link that leaves the folder; copy the file instead"
LINKED_FOLDER = "it is a linked folder; copy the folder instead"


def read(
    root: Path, selection: layout.Selection = layout.DECIDING
) -> tuple[dict[str, bytes], list[Finding]]:
    """The files in *root* that *selection* takes and what cannot be read.

    Folders of the tree only are opened. A file or folder that should not be there is there without
    its content, a folder with a final `/`.
    """
    files: dict[str, bytes] = {}
    findings: list[Finding] = []
    if not root.is_dir():
        message = f"`{root}` is no folder; name the folder that has {layout.COMPANY}"
        return {}, [Finding(".", 1, 1, "unreadable-file", message)]
    _Reader(root, selection, files, findings).open("")
    return files, findings


class _Reader:
    """Fills *files* and *findings*, folder by folder."""

    def __init__(
        self,
        root: Path,
        selection: layout.Selection,
        files: dict[str, bytes],
        findings: list[Finding],
    ) -> None:
        self._root = root
        self._selection = selection
        self._real_root = root.resolve()
        self._files = files
        self._findings = findings

    def open(self, folder: str) -> None:
        """Read what is in *folder*, relative to the root."""
        try:
            names = sorted(each.name for each in (self._root / folder).iterdir())
        except OSError as error:
            self._refuse(folder or ".", f"it cannot be opened: {error.strerror}")
            return
        for name in names:
            path = f"{folder}/{name}" if folder else name
            if not self._selection.skips(path):
                self._take(path)

    def _take(self, path: str) -> None:
        try:
            self._take_readable(path)
        except OSError as error:
            self._refuse(path, f"it cannot be read: {error.strerror}")

    def _take_readable(self, path: str) -> None:
        where = self._root / path
        is_link = where.is_symlink()
        mode = where.stat().st_mode
        if is_link and not where.resolve().is_relative_to(self._real_root):
            self._refuse(path, LEAVES)
            return
        if stat.S_ISDIR(mode):
            self._take_folder(path, is_link=is_link)
        elif not stat.S_ISREG(mode):
            self._refuse(path, "it is no ordinary file")
        elif not self._selection.takes(path):
            self._files[printable(path)] = b""
        else:
            with where.open("rb") as file:
                self._files[path] = file.read(MAX_BYTES + 1)

    def _take_folder(self, path: str, *, is_link: bool) -> None:
        if not self._selection.opens(path):
            self._files[f"{printable(path)}/"] = b""
        elif is_link:
            self._refuse(path, LINKED_FOLDER)
        else:
            self.open(path)

    def _refuse(self, path: str, why: str) -> None:
        self._findings.append(Finding(printable(path), 1, 1, "unreadable-file", why))


def printable(path: str) -> str:
    """The path, with what no terminal should be sent written as escapes."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in path
    )
