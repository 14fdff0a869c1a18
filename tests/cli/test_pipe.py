"""Output into a pipe whose reader has had enough."""

import subprocess
import sys

from tests.cli.program import POLICIES

CALL = ["sales/customers-to-crm", "send", "erp/customers", "--to", "crm/api", "--method", "POST"]


def test_a_reader_who_has_enough_is_no_denial() -> None:
    """`policyd explain … | head -1` ends as a closed pipe does, and says nothing of its own."""
    command = [sys.executable, "-m", "policyd", "explain", *CALL, "--policies", str(POLICIES)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()  # before anything was written
        told = running.stderr.read()
    assert (running.returncode, told) == (141, "")
