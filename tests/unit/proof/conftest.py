"""The sample company, and copies of it with a change or two."""

from collections.abc import Callable

import pytest

from policyd.model.snapshot import Snapshot
from policyd.policy import folder
from policyd.policy.load import load_files
from tests.servers import POLICIES

Edit = tuple[str, str, str]
"""A file below the root of the tree, what stands there, and what stands there after."""
Edited = Callable[..., Snapshot]


@pytest.fixture(scope="session")
def edited() -> Edited:
    """The sample company after these edits."""
    files, _ = folder.read(POLICIES)

    def make(*edits: Edit) -> Snapshot:
        changed = dict(files)
        for name, before, after in edits:
            text = changed[name].decode()
            assert text.count(before) >= 1, (name, before)
            changed[name] = text.replace(before, after, 1).encode()
        return load_files(changed)

    return make


@pytest.fixture(scope="session")
def sample(edited: Edited) -> Snapshot:
    """The sample company."""
    return edited()
