"""The digest of a tree: every deciding byte counts, and nothing else."""

import hashlib
from pathlib import Path

import pytest

from policyd.policy import layout
from policyd.policy.manifest import digest, manifest

MINIMAL = Path(__file__).parents[2] / "cases" / "policies" / "minimal"
FILES = {
    each.relative_to(MINIMAL).as_posix(): each.read_bytes()
    for each in MINIMAL.rglob("*")
    if each.is_file()
}


def test_the_manifest_is_what_sha256sum_prints() -> None:
    """Anyone can compute the name of a tree with two standard tools."""
    files = {"units/hr/unit.yaml": b"b", "policyd.yaml": b"a", "README.md": b"c"}
    assert manifest(files) == (
        b"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  policyd.yaml\n"
        b"3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d  units/hr/unit.yaml\n"
    )
    assert digest(files) == f"sha256:{hashlib.sha256(manifest(files)).hexdigest()}"


@pytest.mark.parametrize("path", sorted(FILES))
def test_every_byte_of_every_deciding_file_counts(path: str) -> None:
    """A comment more, and the tree has another name."""
    assert digest(FILES | {path: FILES[path] + b"#\n"}) != digest(FILES)


@pytest.mark.parametrize("path", layout.OPTIONAL)
def test_a_file_that_may_be_absent_counts_where_it_is_there(path: str) -> None:
    """What promotes or exempts is part of the tree's name."""
    assert digest(FILES | {path: b"owner: it\n"}) != digest(FILES)


@pytest.mark.parametrize("path", ["README.md", "tests/a.yaml", "schemas/a.json", "units/hr/x.md"])
def test_what_lies_beside_does_not_count(path: str) -> None:
    """Prose, tests and schemas decide nothing."""
    assert digest(FILES | {path: b"x"}) == digest(FILES)


def test_the_order_of_files_does_not_count() -> None:
    """A tree is a set of files."""
    assert digest(dict(reversed(FILES.items()))) == digest(FILES)


def test_every_file_of_the_layout_counts() -> None:
    """No file that is read is left out of the name."""
    assert all(layout.decides(path) for path in (*layout.REQUIRED, *layout.OPTIONAL))
    assert len(manifest(FILES).splitlines()) == len(FILES)
