"""A server of the sample company, and clients of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from policyd.client import Policyd
from tests.servers import Home, Server

SECRET = b"a secret of more than sixteen bytes"
PATIENCE_S = 60.0  # a bound for what hangs; nothing is measured by it


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lasts; nobody may break it."""
    home = Home.make(tmp_path_factory.mktemp("client") / "data")
    with Server(home) as running:
        yield running


@pytest.fixture(scope="session")
def key(server: Server) -> str:
    """A key that asks for all integrations and has declared no obligations."""
    return server.pep("sales", "webshop", "plants", "hr", "finance")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A new data folder."""
    return Home.make(tmp_path / "data")


@pytest.fixture
def client(server: Server, key: str) -> Policyd:
    """A client that can do everything."""
    url = f"http://127.0.0.1:{server.port}"
    return Policyd(url, key, timeout=PATIENCE_S, tokenise_with=SECRET)
