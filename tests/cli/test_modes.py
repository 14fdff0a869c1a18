"""Modes: before one is enforced, the record tells whom that would stop."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from policyd.cli.modes import question
from policyd.model.errors import UsageError
from tests.cli.program import Program
from tests.published import ACCESS, CALL, CLOSED, edited, files_of
from tests.servers import Home, Server

OBSERVED = files_of()["policyd.yaml"].replace(
    "runs_on: [books]", "runs_on: [books], mode: observe, mode_until: 2098-12-31"
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of a unit that allows nothing, in the mode `observe`."""
    tree = edited(edited(files_of(), ACCESS, CLOSED), "policyd.yaml", OBSERVED)
    for path, text in tree.items():
        (tmp_path / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / path).write_text(text, "utf-8")
    with Server(Home.make(tmp_path / "data", tmp_path / "tree"), None) as running:
        yield running


def test_what_enforcing_it_would_have_stopped(policyd: Program, server: Server) -> None:
    """The calls that pass by the mode alone, by integration and unit; and none where there are."""
    pep = server.pep("hr")
    for _ in range(3):
        assert server.check(CALL, pep).json() == {"decision": True}
    env = {
        "POLICYD_URL": f"http://127.0.0.1:{server.port}",
        "POLICYD_KEY": server.make_key("auditor")["key"],
    }
    some = policyd("modes", "readiness", "unit", **env)
    assert some.code == 1
    assert some.out.startswith("`unit` would have stopped 3 calls of the last 30 days\n")
    assert any(line.split() == ["hr/sync", "3"] for line in some.out.splitlines())
    none = policyd("modes", "readiness", "label-flow", **env)
    assert none.code == 0
    assert "would have stopped nothing that was asked" in none.out


def test_a_rule_or_a_check() -> None:
    """A name with a colon is a rule's; what could be neither is refused."""
    assert 'rule:"guardrail:x"' in question("guardrail:x", 7)
    assert 'check:"unit"' in question("unit", 7)
    for what in ("", 'a"b', "a*", "a\nb"):
        with pytest.raises(UsageError):
            question(what, 7)
