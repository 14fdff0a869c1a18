"""A policy tree, from files to snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from policyd.engine.access import MODEL
from policyd.model.errors import PolicyInvalid
from policyd.model.findings import Finding
from policyd.model.snapshot import Snapshot
from policyd.policy import folder, layout
from policyd.policy.build import build
from policyd.policy.documents import decode
from policyd.policy.exemption_references import lifted_rules
from policyd.policy.exemption_scope import scope_findings
from policyd.policy.fitting import Read, fit
from policyd.policy.manifest import digest
from policyd.policy.names import names_of
from policyd.policy.references import reference_findings
from policyd.policy.rule_files import RuleFile, RuleSource, compile_rules, rule_sources
from policyd.policy.rule_references import Words, words_of
from policyd.policy.tree import read_tree


class Reading:
    """How files are read and rules compiled: afresh, each file for itself."""

    def fit(
        self, file: str, source: bytes | None, shape: type[Any]
    ) -> tuple[Read[Any], list[Finding]]:
        """The file *source* as *shape*, and all that is wrong with it; see `fitting.fit`."""
        return fit(file, source, shape)

    def rule_files(self, sources: Sequence[RuleSource], words: Words) -> Sequence[RuleFile]:
        """All files with rules, compiled."""
        return [compile_rules(each, words) for each in sources]


@dataclass(frozen=True, slots=True)
class Draft:
    """A tree without findings, on its way to a snapshot."""

    files: Mapping[str, RuleFile]  # those with rules, by path
    rest: Snapshot  # all but their rules

    def snapshot(self) -> Snapshot:
        """The whole of it."""
        rules = {rule.ref: rule for each in self.files.values() for rule in each.rules}
        return replace(self.rest, rules=rules)


def load(root: Path) -> Snapshot:
    """The snapshot of the policy folder *root*.

    Raises:
        PolicyInvalid: the folder has findings; it has all of them, by place.
    """
    return _snapshot(*draft(*folder.read(root)))


def load_files(files: Mapping[str, bytes]) -> Snapshot:
    """The snapshot of a tree in memory: paths relative to its root, with `/` between parts.

    Raises:
        PolicyInvalid: the tree has findings; it has all of them, by place.
    """
    return _snapshot(*draft(files))


def check(root: Path) -> list[Finding]:
    """All that is wrong with the policy folder *root*, by place."""
    return draft(*folder.read(root))[1]


def draft(
    files: Mapping[str, bytes], unreadable: Sequence[Finding] = (), reading: Reading | None = None
) -> tuple[Draft | None, list[Finding]]:
    """What *files* come to, or all that is wrong with them besides what is *unreadable*."""
    reading = reading or Reading()
    if not files and unreadable:
        return None, sorted(unreadable)
    tree, findings = read_tree(files, reading.fit)
    names = names_of(tree)
    sources = list(rule_sources(tree, files))
    rule_files = reading.rule_files(sources, words_of(tree, names))
    is_there = {each.file for each in unreadable}
    missing = (each for each in layout.misplaced(files) if each.file not in is_there)
    found = {*unreadable, *findings, *missing, *_model(files)}
    found |= {*reference_findings(tree, names, rule_files)}
    if found:
        return None, sorted(found)
    rest = build(tree, digest(files))
    exempting = replace(rest, rules=lifted_rules(tree, rule_files))
    found |= {*scope_findings(tree, exempting)}
    paths = (each.file for each in sources)
    return None if found else Draft(dict(zip(paths, rule_files, strict=True)), rest), sorted(found)


def _snapshot(made: Draft | None, findings: list[Finding]) -> Snapshot:
    if made is None:
        raise PolicyInvalid(findings)
    return made.snapshot()


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
