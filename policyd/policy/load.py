"""A policy tree, from files to snapshot."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from policyd.engine.access import MODEL
from policyd.model.errors import PolicyInvalid
from policyd.model.findings import Finding
from policyd.model.snapshot import Snapshot
from policyd.policy import folder, layout
from policyd.policy.build import build
from policyd.policy.documents import decode
from policyd.policy.exemption_scope import scope_findings
from policyd.policy.manifest import digest
from policyd.policy.references import reference_findings
from policyd.policy.tree import Tree, read_tree


def load(root: Path) -> Snapshot:
    """The snapshot of the policy folder *root*.

    Raises:
        PolicyInvalid: the folder has findings; it has all of them, by place.
    """
    files, unreadable = folder.read(root)
    return _load(files, unreadable)


def load_files(files: Mapping[str, bytes]) -> Snapshot:
    """The snapshot of a tree in memory: paths relative to its root, with `/` between parts.

    Raises:
        PolicyInvalid: the tree has findings; it has all of them, by place.
    """
    return _load(files, [])


def check(root: Path) -> list[Finding]:
    """All that is wrong with the policy folder *root*, by place."""
    files, unreadable = folder.read(root)
    return _check(files, unreadable)[1]


def _load(files: Mapping[str, bytes], unreadable: list[Finding]) -> Snapshot:
    tree, findings = _check(files, unreadable)
    if findings:
        raise PolicyInvalid(findings)
    return build(tree, digest(files))


def _check(files: Mapping[str, bytes], unreadable: list[Finding]) -> tuple[Tree, list[Finding]]:
    """The tree in *files*, and all that is wrong with it besides what is *unreadable*, by place."""
    tree, findings = read_tree(files)
    if not files and unreadable:
        return tree, sorted(unreadable)
    is_there = {each.file for each in unreadable}
    missing = (each for each in layout.misplaced(files) if each.file not in is_there)
    found = {*unreadable, *findings, *missing, *_model(files), *reference_findings(tree)}
    if not found and tree.exemptions.content.exemptions:
        found |= {*scope_findings(tree, build(tree, digest(files)))}
    return tree, sorted(found)


def _model(files: Mapping[str, bytes]) -> Iterator[Finding]:
    """The casbin model in the tree says what the engine does, comments and blank lines aside."""
    if layout.MODEL not in files:
        return
    text, findings = decode(layout.MODEL, files[layout.MODEL])
    yield from findings
    expected = [line for _, line in _lines(MODEL)]
    found = _lines(text)
    for at, (number, line) in enumerate(found):
        if findings or at >= len(expected) or line != expected[at]:
            message = "the engine does not use this line; the model is fixed, restore the file"
            yield Finding(layout.MODEL, number, 1, "model-changed", message)
            return
    if len(found) < len(expected) and not findings:
        message = f"the line `{expected[len(found)]}` is missing; restore the file"
        yield Finding(layout.MODEL, 1, 1, "model-changed", message)


def _lines(text: str) -> list[tuple[int, str]]:
    """Numbered lines of a model, without comments and blank lines."""
    numbered = enumerate(map(str.strip, text.split("\n")), start=1)
    return [(number, line) for number, line in numbered if line and not line.startswith("#")]
