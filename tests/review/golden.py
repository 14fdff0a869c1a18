"""Realistic changes to the sample company, and what a review of each looks like.

`python -m tests.review.golden` writes the renderings anew; look at the difference before it is
committed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec

from policyd.review.artefact import Review
from policyd.review.headlines import told_lint
from policyd.review.markdown import comment
from policyd.review.reviewing import Given, review
from policyd.review.revisions import Pair, Version, at_folder, of
from policyd.review.terminal import lines

HERE = Path(__file__).parent
POLICIES = HERE.parents[1] / "policies"
WIDTH = 100
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Edit(msgspec.Struct):
    """A file below the root of the tree, what stands there, and what stands there after."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Golden:
    """One change: what it is called, what it is about, and how it is made."""

    name: str
    title: str
    edits: tuple[Edit, ...]

    @property
    def folder(self) -> Path:
        """Where its renderings are."""
        return HERE / "golden" / self.name


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    edits: tuple[Edit, ...]


def goldens() -> dict[str, Golden]:
    """Every change by name."""
    found = {}
    for path in sorted((HERE / "changes").glob("*.yaml")):
        written = msgspec.yaml.decode(path.read_bytes(), type=_Written)
        found[path.stem] = Golden(path.stem, written.title, written.edits)
    return found


@cache
def sample() -> Version:
    """The sample company."""
    return replace(at_folder(POLICIES), name="main")


def pair_of(golden: Golden) -> Pair:
    """The sample company, and the same after the change."""
    base = sample()
    parts = [
        edited(files, [each for each in golden.edits if each.file in files])
        for files in (base.files, base.suites)
    ]
    return of(base, replace(base, name=golden.name, files=parts[0], suites=parts[1]))


def edited(files: Mapping[str, bytes], edits: Sequence[Edit]) -> dict[str, bytes]:
    """*files* after *edits*, each of which fits exactly once."""
    changed = dict(files)
    for edit in edits:
        text = changed[edit.file].decode()
        assert text.count(edit.before) == 1, (edit.file, edit.before)
        changed[edit.file] = text.replace(edit.before, edit.after).encode()
    return changed


@cache
def reviewed(name: str) -> Review:
    """The review of one of the changes."""
    return review(pair_of(goldens()[name]), Given(now=NOW))


def renderings(found: Review) -> dict[str, str]:
    """The review in each form, by the name of its file."""
    told = "\n".join(each.text for each in lines(found, WIDTH)) + "\n"
    # What lint says of the rest of the sample company is another matter.
    told_alone = msgspec.structs.replace(found, lint=tuple(told_lint(found)))
    artefact = msgspec.json.format(told_alone.to_json(), indent=1).decode() + "\n"
    return {"terminal.txt": told, "comment.md": comment(found), "review.json": artefact}


_MASKS = (
    (re.compile("sha256:[0-9a-f]{64}"), "sha256:…"),
    (re.compile(r"(\.yaml:)\d+(:\d+)?"), r"\1N"),
    (re.compile(r'("(?:line|column|passed|skipped|suppressed)": )\d+'), r"\g<1>0"),
    (re.compile(r"\b\d+( passed| skipped| suppressed)"), r"N\1"),
    (re.compile(r"(on line)\s+\d+"), r"\1 N"),
)


def masked(text: str) -> str:
    """*text* without what any other change of the sample company changes as well."""
    for found, instead in _MASKS:
        text = found.sub(instead, text)
    return text


def write() -> None:
    """Write the renderings of every change."""
    for name, golden in goldens().items():
        golden.folder.mkdir(parents=True, exist_ok=True)
        for file, text in renderings(reviewed(name)).items():
            (golden.folder / file).write_text(masked(text), "utf-8")


if __name__ == "__main__":
    write()
