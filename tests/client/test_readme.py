"""The ten lines of the README do what it says."""

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import REPOSITORY

if TYPE_CHECKING:
    from tests.servers import Server

BLOCK = re.compile(r"```python\n(from policyd\.client.*?)```", re.DOTALL)
ROWS = [{"customer_no": 7, "segment": "bakery"}]


def play(script: str, server: "Server", key: str) -> list[Any]:
    """What the script uploads."""
    uploaded: list[Any] = []
    script = script.replace("http://127.0.0.1:8321", f"http://127.0.0.1:{server.port}")
    script = script.replace(", key)", ", key, timeout=60.0)")
    exec(script, {"key": key, "rows": ROWS, "upload": uploaded.append})  # noqa: S102 - our own text
    return uploaded


def test_the_readme_runs(server: "Server", key: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands it is allowed; with another place it is refused, and the message helps."""
    (script,) = BLOCK.findall((REPOSITORY / "README.md").read_text("utf-8"))
    assert play(script, server, key) == [ROWS]
    assert capsys.readouterr().out == ""
    assert play(script.replace('to="crm/api"', 'to="crm/apy"'), server, key) == []
    assert "send a connection name such as `crm/api`" in capsys.readouterr().out
