"""A real server killed with SIGKILL while it answers, time and again on the same data folder."""

from pathlib import Path

import pytest

from tests.api.calls import ALLOWED
from tests.faults.killing import KILLS, SEED, Answered, kill_under_load, missing, moments
from tests.servers import Home, Server


@pytest.mark.slow
def test_a_killed_server_loses_no_answer(tmp_path: Path) -> None:
    """After each of twenty kills the log verifies, and has every decision that was answered."""
    home = Home.make(tmp_path / "data")
    with Server(home) as server:
        key = server.pep("sales")
    answered: Answered = {}
    for number, after in enumerate(moments(SEED)):
        # Every other time the writer is left to commit what the server had sent.
        answered |= kill_under_load(home, key, after, with_writer=number % 2 == 0)
        assert not missing(home, answered)
    assert len(answered) >= sum(moments(SEED))
    with Server(home) as server:  # and the log goes on where it was
        assert server.check(ALLOWED, key).json() == {"decision": True}
    assert not missing(home, answered)
    assert len(home.records("policy_change")) >= KILLS + 2
