"""What a server's own process loads: a start costs what its modules cost."""

import subprocess
import sys

LATER = ("duckdb", "alembic", "policyd.policy.load", "policyd.review.reviewing")


def test_a_server_loads_neither_policy_files_nor_reviews() -> None:
    """Processes of their own read policies, review changes and search; the first need migrates."""
    program = "import sys, policyd.bootstrap; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {*done.stdout.split()}.intersection(LATER)
