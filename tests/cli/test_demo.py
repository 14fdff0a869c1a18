"""`policyd demo`, where it cannot be played."""

import socket
from contextlib import closing

from tests.cli.program import POLICIES, Program


def test_a_port_in_use_is_told(policyd: Program) -> None:
    """The demo does not play on a server that somebody else started there."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        ended = policyd("demo", "--once", "--port", port, "--policies", POLICIES)

    assert ended.code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in ended.err
    assert "--port [port-unavailable]" in ended.err
    assert "Traceback" not in ended.err
