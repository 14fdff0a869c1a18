"""The subject of lint: a tree without load findings, as values and as text with positions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from policyd.engine.calendar import wall_clock
from policyd.model.findings import Finding
from policyd.model.rules import Place, Rule
from policyd.model.snapshot import Snapshot
from policyd.policy.documents import Document, Path, read
from policyd.policy.fitting import Read
from policyd.policy.load import Reading, draft
from policyd.policy.tree import Tree, read_tree
from policyd.review.lint.reach import Reach
from policyd.review.suites import PolicyTest


class Subject:
    """What a lint rule looks at.

    Attributes:
        files: The deciding files, by path from the root.
        tree: The same, as values with positions; but the units' rules.
        snapshot: What they come to.
        tests: The policy tests beside them.
        now: The moment at which is looked, aware.
        reach: What the rules reach.
        clock: The same on the company's clock.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        tree: Tree,
        snapshot: Snapshot,
        tests: Sequence[PolicyTest],
        now: datetime,
    ) -> None:
        self.files, self.tree, self.snapshot, self.tests = files, tree, snapshot, tests
        self.now, self.clock = now, wall_clock(snapshot.calendar, now)
        self.reach = Reach(snapshot)
        self._read = {each.file: each for each in tree.documents()}

    def document(self, file: str) -> Document:
        """One file with its positions."""
        if file not in self._read:
            self._read[file] = read(file, self.files[file])[0]
        return self._read[file]

    def text(self, file: str) -> str:
        """One file as text, without a byte order mark."""
        return self.files[file].decode("utf-8-sig")

    def place(self, file: str, path: Path, *, key: bool = False) -> Place:
        """Where the value at *path* of a file stands, or with `key` its key."""
        return self.document(file).place(path, key=key)

    def path(self, rule: Rule) -> Path:
        """Where a rule is in its file."""
        name = rule.ref.rpartition("/")[2] if "/" in rule.ref else rule.ref.partition(":")[2]
        return (rule.section.value, name)


class _Kept(Reading):
    """Reading that keeps what it has read."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Read[Any], list[Finding]]] = {}

    def fit(
        self, file: str, source: bytes | None, shape: type[Any]
    ) -> tuple[Read[Any], list[Finding]]:
        """As `Reading.fit`, once for each file."""
        if file not in self._kept:
            self._kept[file] = super().fit(file, source, shape)
        return self._kept[file]


def loaded(
    files: Mapping[str, bytes], unreadable: Sequence[Finding] = ()
) -> tuple[tuple[Tree, Snapshot] | None, list[Finding]]:
    """The tree in *files* and what it comes to, or all that keeps it from going live."""
    reading = _Kept()
    made, findings = draft(files, unreadable, reading)
    if made is None:
        return None, findings
    return (read_tree(files, reading.fit)[0], made.snapshot()), []
