"""Linting a folder: what is found in it, and what `--fix` writes back."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from policyd.cli.output import remark
from policyd.model.errors import UsageError
from policyd.model.findings import Finding
from policyd.model.snapshot import Snapshot
from policyd.policy import folder as folders
from policyd.review.lint.running import lint
from policyd.review.lint.subject import Subject, loaded
from policyd.review.notices import Notice, of_finding, ordered
from policyd.review.suites import PolicyTest, read_suites


def linted(root: Path, now: datetime, *, fix: bool, dry_run: bool) -> Sequence[Notice]:
    """Everything found in the tree at *root*, after `fix`; files are named from where the user is.

    Lint looks at trees that load: what keeps one from going live is told alone.
    """
    files, unreadable = folders.read(root)
    made, findings = loaded(files, unreadable)
    if made is None:
        return _placed(root, ordered(map(of_finding, findings)))
    tests, wrong = read_suites(root, made[1])
    subject = Subject(files, *made, tests, now)
    if fix and not wrong:
        subject = _fixed(root, subject, dry_run=dry_run)
    return _placed(root, ordered([*map(of_finding, wrong), *lint(subject)]))


def _placed(root: Path, notices: Sequence[Notice]) -> Sequence[Notice]:
    return [replace(each, file=str(root / each.file)) for each in notices]


def _fixed(root: Path, subject: Subject, *, dry_run: bool) -> Subject:
    """The tree after its fixes; what is done, and what is not, is said on stderr."""
    from policyd.review.lint.fixing import changed_lines
    from policyd.review.lint.fixing import fix as fixed

    def read_tests(snapshot: Snapshot) -> tuple[list[PolicyTest], list[Finding]]:
        return read_suites(root, snapshot)

    done = fixed(subject, read_tests)
    linked = {name for name in done.files if (root / name).is_symlink()}
    if linked:
        name = min(linked)
        raise UsageError(
            f"`{root / name}` is a link: fix the file that it leads to", code="linked-file"
        )
    for line in changed_lines(subject.files, done.files):
        remark(line, {"+": "green", "-": "red"}.get(line[:1], ""))
    for notice, why in done.left:
        remark(f"not fixed: {notice.title} at {root / notice.file}:{notice.line}: {why}")
    verb = "would fix" if dry_run else "fixed"
    remark(f"{verb} {len(done.made)} finding{'s' if len(done.made) != 1 else ''}")
    if dry_run or not done.files:
        return subject
    for name, content in done.files.items():
        _replace(root / name, content)
    files = {**subject.files, **done.files}
    made, findings = loaded(files)
    if made is None:  # each fix was loaded before it was made
        raise AssertionError(findings)
    return Subject(files, *made, read_tests(made[1])[0], subject.now)


def _replace(path: Path, content: bytes) -> None:
    """Put *content* in the place of a file: all of it, or, after a crash, nothing of it."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(path.stat().st_mode)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(
            f"`{path}` cannot be written: {error.strerror}", code="file-unwritable"
        ) from None
