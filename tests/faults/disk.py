"""A disk that can be cut off, filled up or broken under the ledger, at any one operation."""

import itertools
import random  # noqa: TID251 - seeded: the same in every run
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import apsw

SECTOR = 512
names = itertools.count()


@dataclass
class Held:
    """A write, or a cutting off at `offset` if there is no data, that no sync has covered."""

    offset: int
    data: bytes | None


@dataclass
class Platter:
    """One file: what a power cut leaves of it for certain, and what it may leave besides."""

    durable: bytearray | None  # None: its name is not on the disk yet
    held: list[Held] = field(default_factory=list)


def applied(content: bytearray, change: Held) -> None:
    """Carry one change out."""
    if change.data is None:
        del content[change.offset :]
        return
    content.extend(bytes(max(0, change.offset - len(content))))
    content[change.offset : change.offset + len(change.data)] = change.data


Keep = Callable[[list[Held]], list[Held]]


def none(held: list[Held]) -> list[Held]:
    """Keep nothing that was not synced."""
    return held[:0]


def every(held: list[Held]) -> list[Held]:
    """Keep all that was written, synced or not."""
    return held


def torn(held: list[Held], chance: random.Random) -> list[Held]:
    """Some of the writes, in order, some of those only up to a sector."""
    kept = []
    for change in held:
        if change.data is not None and chance.random() < 1 / 4:
            at = chance.randrange(len(change.data) // SECTOR + 1) * SECTOR
            kept.append(Held(change.offset, change.data[:at]))
        elif chance.random() < 1 / 2:
            kept.append(change)
    return kept


class Disk:
    """A folder on a disk of the test's own: a VFS that counts operations and can fail one.

    What is written can be read back at once, as from a page cache, but is on the disk only once
    its file was synced; the name of a new file comes to the disk with its first sync, as SQLite
    on Unix has it, and that of a deleted one leaves the disk then, or with a deletion that says
    so. `fault` is asked before each operation, with its kind (`open`, `read`,
    `write`, `sync`, `truncate`, `delete`) and the file's name, and raises to make it fail. The
    shared memory of the WAL is the system's; a power cut leaves nothing of it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vfs = f"disk{next(names)}"
        self.is_read_only = False
        self.steps = 0
        self.kinds: set[tuple[str, str]] = set()
        self.fault: Callable[[str, str], None] = lambda _kind, _name: None
        self.files = {
            each.name: Platter(bytearray(each.read_bytes()))
            for each in folder.iterdir()
            if each.is_file()
        }
        self.deleted: dict[str, Platter] = {}
        self._vfs = _Vfs(self)

    def remove(self) -> None:
        """Give the VFS back to SQLite."""
        self._vfs.unregister()

    def step(self, kind: str, name: str) -> None:
        """Count an operation that changes the disk, and fail it if it is its turn."""
        self.fault(kind, name)
        if kind in {"write", "sync", "truncate", "delete"}:
            self.steps += 1
            self.kinds.add((kind, name))

    def cut_at(self, step: int) -> None:
        """Cut the power at an operation: it and all that follow fail."""

        def fault(_kind: str, _name: str) -> None:
            if self.steps >= step:
                raise apsw.IOError("the power is off")

        self.fault = fault

    def fail(self, kind: str, error: Callable[[], Exception], nth: int, suffix: str = "") -> None:
        """Make the *nth* operation of a *kind*, on a file so named, fail; also all after it."""
        seen = itertools.count()

        def fault(what: str, name: str) -> None:
            if what == kind and name.endswith(suffix) and next(seen) >= nth:
                raise error()

        self.fault = fault

    def after_power_cut(self, to: Path, keep: Keep) -> Path:
        """The ledger as found when the power is back: all that was synced, and what is kept."""
        to.mkdir()
        left = {} if keep is every else dict(self.deleted)
        for name, platter in (left | self.files).items():
            if platter.durable is not None:
                content = bytearray(platter.durable)
                for change in keep(platter.held):
                    applied(content, change)
                (to / name).write_bytes(content)
        return to / "ledger.db"

    def power_cuts(self, to: Path, seed: int) -> Iterator[Path]:
        """What one cut may leave of what was not synced: nothing, everything, any parts of it."""
        chance = random.Random(seed)  # noqa: S311 - no secret
        torn_parts = partial(torn, chance=chance)
        outcomes: list[Keep] = [none, every, torn_parts, torn_parts]
        for number, keep in enumerate(outcomes):
            yield self.after_power_cut(to / f"cut-{seed}-{number}", keep)


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(disk.vfs, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        if name is None:
            return apsw.VFSFile("", None, flags)
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name)
        self._disk.step("open", path.name)
        self._disk.files.setdefault(path.name, Platter(None))
        if self._disk.is_read_only:
            flags[0] = flags[0] & ~apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_READONLY
        return _File(self._disk, path.name, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        name = Path(filename).name
        self._disk.step("delete", name)
        super().xDelete(filename, syncdir)
        platter = self._disk.files.pop(name, None)
        if syncdir:
            self._disk.deleted.clear()
        elif platter and platter.durable is not None:
            self._disk.deleted[name] = platter


class _File(apsw.VFSFile):
    def __init__(
        self, disk: Disk, name: str, filename: str | apsw.URIFilename, flags: list[int]
    ) -> None:
        self._disk = disk
        self._name = name
        super().__init__("", filename, flags)

    def _hold(self, change: Held) -> None:
        self._disk.files.setdefault(self._name, Platter(None)).held.append(change)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._disk.step("read", self._name)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.step("write", self._name)
        super().xWrite(data, offset)
        self._hold(Held(offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.step("truncate", self._name)
        super().xTruncate(newsize)
        self._hold(Held(newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802
        del flags
        self._disk.step("sync", self._name)
        platter = self._disk.files.setdefault(self._name, Platter(None))
        if platter.durable is None:
            self._disk.deleted.clear()  # the folder is synced with a new file's name
        content = platter.durable or bytearray()
        for change in platter.held:
            applied(content, change)
        platter.durable, platter.held = content, []
