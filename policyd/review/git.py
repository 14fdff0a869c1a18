"""Reading a git repository by plumbing commands that run nothing and fetch nothing.

A repository under review is somebody else's: its configuration may name programs, its objects
may be left out, its branches may be named like options. So the caller's git settings, hooks,
monitors, replaced objects and fetching are off, and no name from outside is ever an option.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from policyd.model.errors import UsageError

MAX_ENTRIES = 200_000
_MAX_OUTPUT = 64 * 1024 * 1024
_SECONDS = 60
_ID = re.compile("[0-9a-f]{40,64}")
_OPTIONS = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "protocol.allow=never"),
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C",
}


class Entry(NamedTuple):
    """One file, link or submodule of a tree; `mode` as git writes it."""

    mode: str
    id: str


class Renaming(NamedTuple):
    """One path in which two trees differ; `status` is git's letter, `before` of a rename."""

    status: str
    path: str
    before: str | None


@dataclass(frozen=True, slots=True)
class Repository:
    """The git repository around a folder, which it need not have in its working tree.

    Attributes:
        start: Where commands run.
        path: Path of the folder inside the repository, empty at its top.
        trusted: Folders that the user's own git trusts although somebody else owns them.
    """

    start: Path
    path: str
    trusted: tuple[str, ...] = ()

    @classmethod
    def around(cls, folder: Path) -> "Repository":
        """The repository that *folder* is, or would be, in.

        Raises:
            UsageError: there is none, or no git.
        """
        start = folder.absolute()
        while not start.is_dir() and start != start.parent:
            start = start.parent
        missing = os.path.relpath(folder.absolute(), start)
        found = cls(start, "")
        code, out, err = found._run("rev-parse", "--show-prefix")
        if "dubious ownership" in err:
            found = cls(start, "", _trusted())
            code, out, err = found._run("rev-parse", "--show-prefix")
        if "dubious ownership" in err:
            raise UsageError(
                f"`{folder}` lies in a repository of another user: run policyd as its owner, or"
                " `git config --global --add safe.directory <its top folder>` if you trust it",
                code="repository-of-others",
            )
        if code:
            raise UsageError(
                f"`{folder}` is in no git repository: name two folders instead of revisions",
                code="no-repository",
            )
        parts = (out.removesuffix(b"\n"), os.fsencode(missing))
        path = os.path.normpath(os.fsdecode(b"/".join(each for each in parts if each)))
        return cls(start, "" if path == "." else path, found.trusted)

    def commit(self, revision: str) -> str:
        """The id of the commit that *revision* names.

        Raises:
            UsageError: it names none.
        """
        if not revision or revision.startswith(("-", "^")) or not revision.isprintable():
            raise UsageError(
                f"`{revision}` is no revision: it is empty, begins with `-` or `^`, or has what"
                " cannot be printed",
                code="bad-revision",
            )
        code, out, _ = self._run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        if code:
            raise UsageError(
                f"`{revision}` names no commit of this repository{self._shallow()}",
                code="unknown-revision",
            )
        return _checked(out)

    def merge_base(self, one: str, two: str) -> str:
        """The id of the commit from which both commits descend.

        Raises:
            UsageError: there is none.
        """
        code, out, _ = self._run("merge-base", one, two)
        if code:
            raise UsageError(
                f"`{one[:12]}` and `{two[:12]}` have no commit in common: compare them with `..`"
                f"{self._shallow()}",
                code="no-common-commit",
            )
        return _checked(out)

    def tree(self, commit: str, revision: str) -> str:
        """The id of the tree that the folder is in *commit*, which was named *revision*.

        Raises:
            UsageError: the folder is not there, or is no folder.
        """
        name = f"{commit}:{self.path}" if self.path else f"{commit}^{{tree}}"
        code, out, _ = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", name)
        found = "" if code else _checked(out)
        if not found or self._ask("cat-file", "-t", found) != b"tree\n":
            raise UsageError(
                f"`{revision}` has no folder `{self.path}`: name the folder of the policy tree",
                code="no-folder",
            )
        return found

    def entries(self, tree: str) -> dict[str, Entry]:
        """What is in *tree* and in all folders below, by path.

        Raises:
            UsageError: there is too much.
        """
        lines = self._ask("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")[:-1]
        if len(lines) > MAX_ENTRIES:
            raise _too_large(f"more than {MAX_ENTRIES} files")
        found = {}
        for line in lines:
            about, _, path = line.partition(b"\t")
            mode, _, id_ = about.decode().split()
            found[os.fsdecode(path)] = Entry(mode, id_)
        return found

    def blobs(self, ids: Iterable[str], limit: int) -> dict[str, bytes]:
        """The content of each blob; of one larger than *limit* bytes, so many zeros and one more.

        Raises:
            UsageError: one of them is not here.
        """
        asked = "".join(f"{each}\n" for each in sorted({*ids}))
        code, told, _ = self._run("cat-file", "--batch-check", told=asked)
        lines = [line.split() for line in told.decode().splitlines()]
        if code or any(each[1:2] != ["blob"] for each in lines):
            raise UsageError(
                "the repository lacks some of the files: it is damaged or a partial clone; clone"
                " it whole",
                code="object-missing",
            )
        sizes = {id_: int(size) for id_, _, size in lines}
        small = [id_ for id_, size in sizes.items() if size <= limit]
        with subprocess.Popen(  # noqa: S603 - git, with what this module puts together
            self._command("cat-file", "--batch"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        ) as process:
            found = {id_: _blob(process, id_, sizes[id_]) for id_ in small}
            process.kill()
        return {id_: found.get(id_, bytes(limit + 1)) for id_ in sizes}

    def changes(self, one: str, two: str) -> Iterator[Renaming]:
        """The paths in which two trees differ, files that were moved as one."""
        out = self._ask(
            *("diff-tree", "-r", "-z", "-M", "-l1000", "--name-status"),
            *("--no-ext-diff", "--no-textconv", one, two),
        )
        parts = iter(os.fsdecode(out).split("\0")[:-1])
        for status in parts:
            first = next(parts)
            is_moved = status[0] in "RC"
            path = next(parts) if is_moved else first
            yield Renaming(status[0], path, first if is_moved else None)

    def _shallow(self) -> str:
        """The way out if it is missing because the clone is shallow."""
        _, out, _ = self._run("rev-parse", "--is-shallow-repository")
        if out != b"true\n":
            return ""
        return (
            "; the clone is shallow: `git fetch --unshallow`, or in CI fetch the whole history"
            " (`fetch-depth: 0`, `GIT_DEPTH: 0`)"
        )

    def _ask(self, *arguments: str) -> bytes:
        """What a command prints that has no reason to fail."""
        code, out, err = self._run(*arguments)
        if code:
            line = err.strip().splitlines()[-1:] or ["no reason given"]
            raise UsageError(f"git {arguments[0]} failed: {line[0]}", code="git-failed")
        return out

    def _run(self, *arguments: str, told: str = "") -> tuple[int, bytes, str]:
        """Exit code, output and messages of one command.

        Raises:
            UsageError: there is no git, or it takes too long, or has too much to say.
        """
        try:
            done = subprocess.run(  # noqa: S603 - git, with what this module puts together
                self._command(*arguments),
                input=told.encode(),
                capture_output=True,
                env=_environment(),
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise UsageError(
                "there is no `git` to read revisions with: install it, or name two folders",
                code="no-git",
            ) from None
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"git {arguments[0]} took more than {_SECONDS} s", code="git-failed"
            ) from None
        if len(done.stdout) > _MAX_OUTPUT:
            raise _too_large(f"more than {_MAX_OUTPUT // 1024 // 1024} MiB of names")
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def _command(self, *arguments: str) -> list[str]:
        trust = (part for each in self.trusted for part in ("-c", f"safe.directory={each}"))
        return ["git", "-C", str(self.start), *_OPTIONS, *trust, *arguments]


def _trusted() -> tuple[str, ...]:
    """Folders that the user told git to trust; nothing else of their settings is looked at."""
    own = {name: each for name, each in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "config", "--get-all", "safe.directory"],  # noqa: S607 - the user's git
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=own,
        timeout=_SECONDS,
        check=False,
    )
    return tuple(os.fsdecode(done.stdout).splitlines())


def _environment() -> dict[str, str]:
    """The caller's environment without anything that would tell git where or how to look."""
    own = {name: each for name, each in os.environ.items() if not name.startswith("GIT_")}
    return own | _ENVIRONMENT


def _blob(process: "subprocess.Popen[bytes]", id_: str, size: int) -> bytes:
    """The content of one blob; each is asked once the one before has come, so no pipe is full."""
    asking, telling = _pipe(process.stdin), _pipe(process.stdout)
    asking.write(f"{id_}\n".encode())
    asking.flush()
    head = telling.readline().decode()
    content = telling.read(size)
    if head != f"{id_} blob {size}\n" or telling.read(1) != b"\n":
        raise UsageError(
            f"git does not give the content of `{id_[:12]}`: the repository is damaged",
            code="git-failed",
        )
    return content


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    if end is None:
        raise RuntimeError  # both were asked for
    return end


def _checked(out: bytes) -> str:
    found = out.decode("ascii", errors="replace").strip()
    if not _ID.fullmatch(found):
        raise UsageError("git gave something that is no object id", code="git-failed")
    return found


def _too_large(what: str) -> UsageError:
    return UsageError(
        f"the folder has {what}: name the folder of the policy tree, not a whole repository",
        code="tree-too-large",
    )
