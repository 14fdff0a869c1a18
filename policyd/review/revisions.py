"""Policy trees to be compared: of git revisions, of the working tree, of folders."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from policyd.model.errors import UsageError
from policyd.model.findings import Finding
from policyd.model.snapshot import Snapshot
from policyd.policy import folder, layout
from policyd.policy.load import draft
from policyd.review import stored
from policyd.review.git import Repository

_STATUS: Mapping[str, Literal["added", "removed", "renamed"]] = {
    "A": "added",
    "D": "removed",
    "R": "renamed",
}


@dataclass(frozen=True, slots=True)
class Version:
    """A policy tree as it stands in a revision or in a folder; paths are relative to its root.

    Attributes:
        name: What it was asked for by: a revision or a folder.
        commit: The id of its commit; None of a folder.
        files: What decides; what should not be there is there without its content.
        unreadable: What of it cannot be read.
        suites: Files of policy tests, and of calls that they share.
        unreadable_suites: Which of them cannot be read.
    """

    name: str
    commit: str | None
    files: Mapping[str, bytes]
    unreadable: tuple[Finding, ...]
    suites: Mapping[str, bytes]
    unreadable_suites: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A path that one version has in another way than the other; `before` of a renamed one."""

    path: str
    how: Literal["added", "removed", "changed", "renamed"]
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions of a policy tree, and the paths in which they differ.

    Of two revisions these are all paths in the folder; else those of files that are read.
    """

    base: Version
    head: Version
    changed: tuple[Changed, ...]


def at_folder(root: Path) -> Version:
    """The version in the folder *root*.

    Raises:
        UsageError: there is no such folder.
    """
    if not root.is_dir():
        raise UsageError(f"there is no folder `{root}`: name a policy tree", code="no-folder")
    files, unreadable = folder.read(root)
    suites, unreadable_suites = folder.read(root, layout.SUITES)
    return Version(
        name=str(root),
        commit=None,
        files=files,
        unreadable=tuple(unreadable),
        suites=_only_suites(suites),
        unreadable_suites=tuple(unreadable_suites),
    )


def at_revision(root: Path, revision: str) -> Version:
    """The version that the folder *root* has in *revision* of the repository around it.

    Raises:
        UsageError: no git, no repository, no such revision, no such folder in it.
    """
    repository = Repository.around(root)
    return _at(repository, repository.commit(revision), revision)


def named(root: Path, name: str) -> Version:
    """The version of the tree at *root* that is called *name*.

    A folder begins with `./`, `../` or `/`, and is looked for from *root*; else it is a revision.

    Raises:
        UsageError: there is none.
    """
    is_folder = name.startswith(("./", "../", "/"))
    return at_folder(root / name) if is_folder else at_revision(root, name)


def snapshot_of(version: Version) -> Snapshot:
    """The snapshot of a version.

    Raises:
        UsageError: it has findings, of which the first is named.
    """
    made, findings = draft(version.files, version.unreadable)
    if made is None:
        raise UsageError(
            f"the policy tree of `{version.name}` has {len(findings)} findings, first"
            f" {findings[0]}; compare with one that loads",
            code="version-invalid",
        )
    return made.snapshot()


def between(root: Path, revisions: str) -> Pair:
    """The two versions of the folder *root* that *revisions* names.

    `BASE..HEAD` compares both, `BASE...HEAD` the commit from which both descend with HEAD, and
    `BASE` alone the working tree with it. An empty side is HEAD.

    Raises:
        UsageError: as `at_revision`; or two revisions have no commit in common.
    """
    repository = Repository.around(root)
    dots = next((each for each in ("...", "..") if each in revisions), "")
    if not dots:
        base = _at(repository, repository.commit(revisions), revisions)
        return of(base, at_folder(root))
    names = [each or "HEAD" for each in revisions.split(dots, 1)]
    one, two = (repository.commit(each) for each in names)
    if dots == "...":
        one = repository.merge_base(one, two)
    base, head = _at(repository, one, names[0]), _at(repository, two, names[1])
    found = repository.changes(*(repository.tree(each, each) for each in (one, two)))
    changed = (
        Changed(
            folder.printable(each.path),
            _STATUS.get(each.status, "changed"),
            each.before and folder.printable(each.before),
        )
        for each in found
    )
    return Pair(base, head, tuple(sorted(changed, key=lambda each: each.path)))


def of(base: Version, head: Version) -> Pair:
    """Two versions from anywhere, and the files of theirs that differ in their bytes."""
    return Pair(base, head, tuple(_differences(base, head)))


def _differences(base: Version, head: Version) -> Iterator[Changed]:
    old, new = ({**each.files, **each.suites} for each in (base, head))
    for path in sorted({*old, *new}):
        if path not in old:
            yield Changed(path, "added")
        elif path not in new:
            yield Changed(path, "removed")
        elif old[path] != new[path]:
            yield Changed(path, "changed")


def _at(repository: Repository, commit: str, name: str) -> Version:
    entries = repository.entries(repository.tree(commit, name))
    files, unreadable = stored.read(repository, entries, layout.DECIDING)
    suites, unreadable_suites = stored.read(repository, entries, layout.SUITES)
    return Version(
        name=name,
        commit=commit,
        files=files,
        unreadable=tuple(unreadable),
        suites=_only_suites(suites),
        unreadable_suites=tuple(unreadable_suites),
    )


def _only_suites(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Without files and folders that stand where suites could."""
    return {path: each for path, each in files.items() if layout.is_of_tests(path)}
