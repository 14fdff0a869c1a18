"""Fixing: taking out what lint says is over or silences nothing, where that is proved to be safe.

A fix is made in memory first. It stands only if the tree still loads, no policy test loses a name,
and the proof finds no call that is decided differently from now on; otherwise nothing of it is
made, and the reason is told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff

from policyd.model.findings import Finding
from policyd.model.snapshot import Snapshot
from policyd.proof.moments import Span
from policyd.proof.proving import Verdict, compare
from policyd.review.lint.edits import edited, without
from policyd.review.lint.registry import Levels
from policyd.review.lint.rule import Hit
from policyd.review.lint.running import hits
from policyd.review.lint.subject import Subject, loaded
from policyd.review.notices import Notice
from policyd.review.suites import PolicyTest

ReadTests = Callable[[Snapshot], tuple[list[PolicyTest], list[Finding]]]


@dataclass(slots=True)
class Fixed:
    """What fixing comes to: the files that change, what was mended, and what was not and why."""

    files: dict[str, bytes] = field(default_factory=dict)
    made: list[Notice] = field(default_factory=list)
    left: list[tuple[Notice, str]] = field(default_factory=list)


def fix(subject: Subject, read_tests: ReadTests, levels: Levels | None = None) -> Fixed:
    """Everything in a tree that can be fixed safely, fixed in memory.

    Args:
        subject: The tree.
        read_tests: The policy tests beside it, for a snapshot.
        levels: As for `running.lint`.
    """
    done = Fixed()
    while True:
        refused = {(notice.id, notice.file, notice.about) for notice, _ in done.left}
        # One by one: after each, the places of the others have to be found again; and one may
        # leave something over for the next, such as a suppression of what is gone.
        found = next(
            (
                (notice, hit)
                for notice, hit in hits(subject, levels)
                if notice.fix
                and not notice.silence
                and (notice.id, notice.file, notice.about) not in refused
            ),
            None,
        )
        if found is None:
            return done
        notice, hit = found
        after, why = _tried(subject, hit, read_tests)
        if after is None:
            done.left.append((notice, why))
            continue
        done.made.append(notice)
        done.files[notice.file] = after.files[notice.file]
        subject = after


def _tried(subject: Subject, hit: Hit, read_tests: ReadTests) -> tuple[Subject | None, str]:
    """The tree with one fix, or why there is none."""
    file = hit.place.file
    text = _mended(subject.text(file), file, hit)
    if text is None:
        return None, "it is written in a way that no piece can be taken out of"
    files = {**subject.files, file: _encoded(subject.files[file], text)}
    made, findings = loaded(files)
    if made is None:
        return None, f"then the tree would not load: {findings[0]}"
    tree, snapshot = made
    tests, wrong = read_tests(snapshot)
    if wrong:
        return None, f"a policy test is about it: {wrong[0]}"
    why = _changed(subject, snapshot)
    return (None, why) if why else (Subject(files, tree, snapshot, tests, subject.now), "")


def _mended(text: str, file: str, hit: Hit) -> str | None:
    """The text after the fix: pieces cut first, then keys taken out one by one."""
    text = edited(text, hit.edits)
    is_found = bool(hit.edits)
    for path in hit.removes:
        edit = without(file, text, path)
        if edit:
            text, is_found = edited(text, (edit,)), True
    return text if is_found else None


def _encoded(before: bytes, text: str) -> bytes:
    """The text as bytes, with the byte order mark that was there."""
    mark = b"\xef\xbb\xbf"
    return (mark if before.startswith(mark) else b"") + text.encode()


def _changed(subject: Subject, snapshot: Snapshot) -> str:
    """Why some call may be decided differently from now on; nothing if none is."""
    found = compare(subject.snapshot, snapshot, span=Span(subject.now))
    if found.verdict is Verdict.PROVED and found.closing is Verdict.PROVED:
        return ""
    if found.gaps:
        return f"it is not proved that no call changes: {found.gaps[0]}"
    return "a call would be decided differently"


def changed_lines(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Sequence[str]:
    """What fixing changed, as a unified diff."""
    lines: list[str] = []
    for file in sorted(after):
        old, new = (each[file].decode().splitlines() for each in (before, after))
        lines += unified_diff(old, new, file, file, lineterm="", n=1)
    return lines
