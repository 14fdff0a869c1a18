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


@pytest.fixture(scope="session")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """What `filled` is a copy of, closed."""
    with ExitStack() as stack:
        log = SmallLog(tmp_path_factory.mktemp("filled") / "data", stack)
        log.grow(1100)
        log.seal()
        log.forget(0, 1)
    return log


@pytest.fixture
def filled(filled_once: SmallLog, tmp_path: Path) -> Iterator[SmallLog]:
    """A log of four segments and a bit, the first two of which have left the ledger's file."""
    with ExitStack() as stack:
        yield filled_once.copy(tmp_path / "filled", stack)
