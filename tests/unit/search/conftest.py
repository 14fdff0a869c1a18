"""What the tests of search share: a small log, empty or filled."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.small_log import SmallLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallLog]:
    """An empty log."""
    with ExitStack() as stack:
        yield SmallLog(tmp_path / "data", stack)


@pytest.fixture
def filled(small: SmallLog) -> SmallLog:
    """A log of four segments and a bit, the first two of which have left the ledger's file."""
    small.grow(1100)
    small.seal()
    small.forget(0, 1)
    return small
