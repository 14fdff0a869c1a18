"""Reading one tree after another comes to what reading each afresh comes to."""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policyd.model.findings import Finding
from policyd.model.snapshot import Snapshot
from policyd.policy.builder import delivery
from policyd.policy.compiling import compile_packed
from policyd.policy.deliveries import Delivery, Refused
from policyd.policy.load import draft
from policyd.policy.packing import unpack_piece
from policyd.policy.remembering import Remembering

CASES = Path(__file__).parents[1] / "cases" / "policies"
Files = Mapping[str, bytes]
_WORD = re.compile(rb"[a-z][a-z0-9]*(?:[-_/][a-z0-9]+)*")
_BROKEN = (b"", b"a: [b\n", b"\xff\xfe", b"allow: {}\n", b"- x\n")


def _tree(name: str) -> dict[str, bytes]:
    root = CASES / name
    found = sorted(each for each in root.rglob("*") if each.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


SMALLEST = _tree("minimal")
TREE = SMALLEST | _tree("lifted")
"""The smallest tree with all that it leaves out laid over it; it has a unit more."""
WORDS = sorted({word for text in TREE.values() for word in _WORD.findall(text)})
_paths = st.sampled_from(sorted(TREE))


def _reworded(files: Files, path: str, at: int, word: bytes) -> Files:
    """One word of a file is another word."""
    found = list(_WORD.finditer(files.get(path, b"")))
    if not found:
        return files
    one = found[at % len(found)]
    text = files[path]
    return {**files, path: text[: one.start()] + word + text[one.end() :]}


def _mended(files: Files, path: str) -> Files:
    return {**files, path: TREE[path]}


def _removed(files: Files, path: str) -> Files:
    return {each: text for each, text in files.items() if each != path}


def _broken(files: Files, path: str, text: bytes) -> Files:
    return {**files, path: text}


def _commented(files: Files, path: str) -> Files:
    return {**files, path: b"# moved down\n" + files.get(path, TREE[path])}


def _joined(files: Files, unit: str) -> Files:
    """Another unit has the files of the one there is."""
    known = {each for each in TREE if each.startswith("units/")}
    return {
        **files,
        **{re.sub("^units/[^/]+", f"units/{unit}", each): TREE[each] for each in known},
    }


_edits = st.one_of(
    st.builds(
        lambda path, at, word: partial(_reworded, path=path, at=at, word=word),
        _paths,
        st.integers(0, 400),
        st.sampled_from([*WORDS, b"zzz"]),
    ),
    st.builds(lambda path: partial(_mended, path=path), _paths),
    st.builds(lambda path: partial(_removed, path=path), _paths),
    st.builds(lambda path: partial(_commented, path=path), _paths),
    st.builds(
        lambda path, text: partial(_broken, path=path, text=text), _paths, st.sampled_from(_BROKEN)
    ),
    st.builds(lambda unit: partial(_joined, unit=unit), st.sampled_from(["new", "hr"])),
    st.sampled_from([lambda _: TREE, lambda _: SMALLEST]),
)


class Server:
    """What a server has of the trees that were delivered to it."""

    def __init__(self) -> None:
        """It has nothing."""
        self._pieces: dict[str, Any] = {}
        self._reading = Remembering(compile_packed)

    def told(self, files: Files) -> Snapshot | tuple[Finding, ...]:
        """What it makes of what the builder says of *files*."""
        heard: list[Any] = [*delivery(files, (), self._pieces.keys(), self._reading)]
        said, *new = heard
        if isinstance(said, Refused):
            return said.findings
        assert isinstance(said, Delivery)
        fresh = dict(zip(said.new, new, strict=True))
        self._pieces = {
            key: unpack_piece(key, fresh[key]) if key in fresh else self._pieces[key]
            for key in said.all_keys()
        }
        return said.snapshot(self._pieces)


def _afresh(files: Files) -> Snapshot | tuple[Finding, ...]:
    made, findings = draft(files)
    return made.snapshot() if made else tuple(findings)


@given(st.lists(_edits, min_size=2, max_size=8))
def test_whatever_is_edited(edits: list[Any]) -> None:
    """After any edits the snapshot, or every finding, is that of the tree read by itself."""
    server, files = Server(), TREE
    for edit in (dict, *edits):
        files = edit(files)
        assert server.told(files) == _afresh(files)
