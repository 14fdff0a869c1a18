"""A server of the sample company, shared by all that only ask; others start their own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers import POLICIES, Home, Server

Start = Callable[..., Server]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lasts; nobody may break it, or revoke what others use."""
    home = Home.make(tmp_path_factory.mktemp("shared") / "data")
    with Server(home) as running:
        yield running


@pytest.fixture(scope="session")
def pep(server: Server) -> str:
    """A key that asks for all integrations and has declared no obligations."""
    return server.pep("sales", "webshop", "plants", "hr", "finance")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A new data folder."""
    return Home.make(tmp_path / "data")


@pytest.fixture
def start(home: Home) -> Iterator[Start]:
    """Starts a server on `home`, to be stopped at the end of the test."""
    with ExitStack() as running:

        def started(policies: Path = POLICIES, **environment: str) -> Server:
            return running.enter_context(Server(home, policies, variables=environment))

        yield started
