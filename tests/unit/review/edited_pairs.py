"""The sample company and a copy of it with some edits, without its policy tests: that is quick."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from policyd.model.findings import Finding
from policyd.model.snapshot import Snapshot
from policyd.policy.tree import Tree
from policyd.proof.proving import compare
from policyd.review.artefact import Change, RegionTold
from policyd.review.causes import MOST_EXAMPLES
from policyd.review.changes import changes
from policyd.review.lint.subject import loaded
from policyd.review.regions import regions_told, with_regions
from policyd.review.revisions import Pair, Version, at_folder, of

POLICIES = Path(__file__).parents[3] / "policies"
ACCESS = "guardrails/access.yaml"
DESTINATIONS = "guardrails/destinations.yaml"
SYSTEMS = "guardrails/systems.yaml"
LABELS = "guardrails/labels.yaml"
ROLES = "guardrails/roles.yaml"
COMPANY = "policyd.yaml"
Edit = tuple[str, str, str]
"""A file below the root of the tree, what stands there once, and what stands there after."""


def sample() -> Version:
    """The sample company, without its tests."""
    return replace(at_folder(POLICIES), name="main", suites={})


def pair(*edits: Edit, base: Sequence[Edit] = ()) -> Pair:
    """The sample company after the edits of *base*, and after these as well."""
    old = _after(sample(), base)
    return of(old, replace(_after(old, edits), name="head"))


def _after(version: Version, edits: Sequence[Edit]) -> Version:
    files = dict(version.files)
    for name, before, after in edits:
        text = files.get(name, b"").decode()
        assert text.count(before) == 1 or (not before and name not in files), (name, before)
        files[name] = (text.replace(before, after, 1) if text else after).encode()
    return replace(version, files=files)


def sides_of(found: Pair) -> tuple[Snapshot, Snapshot]:
    """Both snapshots; both trees load."""
    old, new = (_loaded(tuple(each.files.items())) for each in (found.base, found.head))
    assert old[0], old[1]
    assert new[0], new[1]
    return old[0][1], new[0][1]


# The base is that of nearly every pair.
@lru_cache(maxsize=4)
def _loaded(
    files: tuple[tuple[str, bytes], ...],
) -> tuple[tuple[Tree, Snapshot] | None, list[Finding]]:
    return loaded(dict(files))


def told(*edits: Edit, base: Sequence[Edit] = ()) -> tuple[list[Change], list[RegionTold]]:
    """The changes and the regions of some edits."""
    found = pair(*edits, base=base)
    sides = sides_of(found)
    changed = changes(found, sides)
    regions = regions_told(compare(*sides, examples=MOST_EXAMPLES), changed, sides)
    return with_regions(changed, regions), regions
