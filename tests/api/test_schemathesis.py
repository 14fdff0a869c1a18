"""Schemathesis asks what `/openapi.json` promises, and finds nothing that is not kept.

It is run as a program, like by anyone else. All of its checks are on: status, content type,
headers and shape of each answer are as described; what the description admits is taken, what it
does not admit is refused; no key is no way in; other methods are refused with `Allow`. One is bent,
for the questions about the log: a query is written in a language, and no schema says which texts
are of it, so that 422 is an answer, too. Its own random choices are fixed, so that it asks the same
each time.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.published import small_home
from tests.servers import Home, Server

ROLES = ("pep", "builder", "author", "approver", "auditor", "admin")
URL = "https://policyd.example"
_PATIENCE_S = 300  # a bound for what hangs
SETTINGS = """
[[operations]]
include-path-regex = "^/v1/audit/(records|facets|histogram|flows|pairing|tail)$"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "5xx"]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: what is asked makes keys by the dozen."""
    home = Home.make(tmp_path_factory.mktemp("promised") / "data")
    with Server(home, variables={"POLICYD_PUBLIC_URL": URL}) as running:
        yield running


def found(server: Server, folder: Path, *roles: str, phases: str, examples: int) -> str:
    """What schemathesis finds in the server, asking with a key that has *roles*."""
    key = server.make_key(*roles, units=["sales", "hr"])["key"]
    settings = folder / "schemathesis.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings)),
        *("run", f"http://127.0.0.1:{server.port}/openapi.json"),
        *("--header", f"Authorization: Bearer {key}", "--checks", "all", "--phases", phases),
        *("--max-examples", str(examples), "--generation-deterministic", "--no-color"),
    ]
    run = subprocess.run(  # in a folder where it finds no other settings
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
    )
    operations = sum(map(len, server.get("/openapi.json").json()["paths"].values()))
    assert f"Tested: {operations}\n" in run.stdout, run.stdout + run.stderr
    return "" if run.returncode == 0 else run.stdout


def test_every_promise_is_kept(server: Server, tmp_path: Path) -> None:
    """Asked with a key that may do everything, each operation keeps what is said of it.

    Where policies are published, below, each is asked more: there it can do what it is for.
    """
    assert not found(server, tmp_path, *ROLES, phases="examples,fuzzing", examples=5)
    assert server.ready().json()["ready"]
    assert not {"error", "critical"} & {line["level"] for line in server.log_lines()}


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_every_promise_is_kept_to_each_role(server: Server, tmp_path: Path, role: str) -> None:
    """A role that may do less is refused as described, and answered as described."""
    assert not found(server, tmp_path, role, phases="examples,fuzzing", examples=3)


@pytest.mark.slow
def test_every_promise_is_kept_where_policies_are_published(tmp_path: Path) -> None:
    """So are those about changes of policy, which a server that reads a folder refuses."""
    home = small_home(tmp_path / "data")
    with Server(home, None, variables={"POLICYD_PUBLIC_URL": URL}) as server:
        phases = "examples,coverage,fuzzing,stateful"
        assert not found(server, tmp_path, *ROLES, phases=phases, examples=5)
        assert server.ready().json()["ready"]
        assert not {"error", "critical"} & {line["level"] for line in server.log_lines()}
