"""Small trees for tests of lint: the smallest company, changed a little."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from policyd.model.findings import Finding
from policyd.model.snapshot import Snapshot
from policyd.review.lint.fixing import ReadTests
from policyd.review.lint.running import lint
from policyd.review.lint.subject import Subject, loaded
from policyd.review.notices import Notice
from policyd.review.suites import PolicyTest, read_suites

COMPANY = Path(__file__).parent / "cases" / "lint" / "company"


def tree(case: Mapping[str, Any]) -> dict[str, bytes]:
    """The files of the company with the changes of *case*: `change`, `append`, `write`."""
    files = {
        each.relative_to(COMPANY).as_posix(): each.read_bytes()
        for each in COMPANY.rglob("*")
        if each.is_file()
    }
    for path, pairs in case.get("change", {}).items():
        for old, new in [pairs] if isinstance(pairs[0], str) else pairs:
            assert files[path].count(old.encode()) >= 1, f"{path} has no {old!r}"
            files[path] = files[path].replace(old.encode(), new.encode(), 1)
    for path, text in case.get("append", {}).items():
        files[path] += text.encode()
    return files | {path: text.encode() for path, text in case.get("write", {}).items()}


def subject(files: Mapping[str, bytes], now: datetime) -> Subject:
    """The tree, ready for lint; its policy tests are those of the files."""
    deciding = {path: text for path, text in files.items() if "tests/" not in path}
    made, findings = loaded(deciding)
    assert made is not None, findings
    return Subject(deciding, *made, read_tests(files)(made[1])[0], now)


def read_tests(files: Mapping[str, bytes]) -> ReadTests:
    """How the policy tests among *files* are read."""

    def read(snapshot: Snapshot) -> tuple[list[PolicyTest], list[Finding]]:
        with TemporaryDirectory() as root:
            for path, text in files.items():
                if "tests/" in path:
                    (Path(root) / path).parent.mkdir(parents=True, exist_ok=True)
                    (Path(root) / path).write_bytes(text)
            return read_suites(Path(root), snapshot)

    return read


def linted(files: Mapping[str, bytes], now: datetime) -> list[Notice]:
    """What lint finds in a tree in memory."""
    return lint(subject(files, now))
