"""The application log: JSON lines, for every library, without secrets and payloads."""

import base64
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from policyd.logs import HIDDEN, redact

ROOT = Path(__file__).parents[2]
SECRET = "pd_k3yk3yk3_" + "Ab-_0" * 8 + "xyz"
TAIL = "Ab-_0Ab"
_ENV = {"PYTHONPATH": f"{ROOT}:{ROOT / 'audit'}"}
_START = "import logging, structlog, warnings; from policyd.logs import set_up\n"


def logged(program: str) -> list[dict[str, Any]]:
    """The lines that *program* logs, each of which is a JSON object."""
    done = subprocess.run(
        [sys.executable, "-c", _START + program],
        env=_ENV,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def on_a_terminal(program: str, **env: str) -> str:
    """What *program* shows when its stderr is a terminal."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-W", "error", "-c", _START + program],
            env=_ENV | env,
            check=True,
            stderr=theirs,
        )
        return os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_line_is_one_json_object() -> None:
    """Each event is one line with its level and the time in UTC, whatever its values are."""
    program = """
set_up("info")
structlog.get_logger("x").info("started", port=1, ratio=float("nan"), note="a\\nb", odd="\\ud800")
"""
    (line,) = logged(program)

    assert (line["event"], line["level"], line["port"]) == ("started", "info", 1)
    assert line["at"].endswith("Z")
    assert line["note"] == "a\nb"
    assert line["odd"] == "\\ud800"


def test_milder_lines_are_left_out() -> None:
    """What is milder than the level is not logged."""
    program = """
set_up("warning")
log = structlog.get_logger()
log.info("mild"), log.warning("grave")
"""
    assert [line["event"] for line in logged(program)] == ["grave"]


def test_libraries_log_here_too() -> None:
    """Lines of uvicorn and casbin and Python's warnings come as JSON, from a warning up."""
    program = f"""
set_up("info")
logging.getLogger("uvicorn.error").warning("key %s", "{SECRET}")
logging.getLogger("casbin.policy").info("Model:")
warnings.warn("old", DeprecationWarning, stacklevel=1)
"""
    uvicorn, warning = logged("warnings.simplefilter('always')\n" + program)

    assert (uvicorn["logger"], uvicorn["event"]) == ("uvicorn.error", "key pd_k3yk3yk3_…")
    assert "DeprecationWarning" in warning["event"]


def test_debug_lets_libraries_speak() -> None:
    """Who looks for a fault hears the libraries too."""
    program = 'set_up("debug")\nlogging.getLogger("uvicorn.error").debug("hello")'

    assert [line["event"] for line in logged(program)] == ["hello"]


def test_traceback_has_no_secret() -> None:
    """A fault is logged with its traceback, and a secret in its message is not."""
    program = f"""
set_up("info")
key = "{SECRET}"
try:
    raise ValueError("bad key " + key)
except ValueError:
    structlog.get_logger().exception("fault", caller=key)
"""
    (line,) = logged(program)

    assert "ValueError: bad key pd_k3yk3yk3_…" in line["exception"]
    assert TAIL not in json.dumps(line)


def test_terminal_gets_lines_for_people() -> None:
    """On a terminal a line is no JSON; without secrets, locals of a traceback or escapes."""
    program = f"""
set_up("info")
key = "{SECRET}"
try:
    raise ValueError("fault")
except ValueError:
    structlog.get_logger().exception("fault", why="a\\x1b[2Jb {SECRET}")
"""
    shown = on_a_terminal(program, NO_COLOR="1")

    assert "ValueError: fault" in shown
    assert not shown.startswith("{")
    assert TAIL not in shown
    assert "\x1b" not in shown


def test_terminal_gets_json_on_demand() -> None:
    """JSON lines can be had on a terminal too."""
    shown = on_a_terminal('set_up("info", as_json=True)\nstructlog.get_logger().info("hello")')

    assert json.loads(shown)["event"] == "hello"


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "Authorization", "proxy-authorization", "key", "api_key", "apiKey"),
        *("adminKey", "X-API-Key", "keys", "secret", "client_secret", "pepper", "token", "tokens"),
        *("accessToken", "token_value", "body", "request_body", "payload", "cookie", "Set-Cookie"),
        *("password", "passphrase", "credentials"),
    ],
)
def test_named_secrets_are_hidden(name: str) -> None:
    """A value whose name says that it is secret, or a payload, is hidden at any depth."""
    for event in ({name: "hush"}, {"a": {name: ["hush"]}}, {"a": [{"b": {name: b"hush"}}]}):
        assert "hush" not in json.dumps(redact(None, "info", event))
        assert HIDDEN in json.dumps(redact(None, "info", event))


@pytest.mark.parametrize("name", ["key_id", "max_body_bytes", "code", "url", "monkey", "holder"])
def test_other_names_are_shown(name: str) -> None:
    """What operators need stays readable: ids of keys, sizes, codes, places."""
    assert redact(None, "info", {name: "plain"}) == {name: "plain"}


@pytest.mark.parametrize(
    "text",
    [
        f"key {SECRET} was sent",
        f"Authorization: Bearer {SECRET}",
        "Authorization: Basic " + base64.b64encode(f"x:{SECRET}".encode()).decode(),
        "bearer eyJhbGciOiJub25lIn0.e30.c2ln",
        "PRIVATE+KEY+policyd.local/log+21ee6ba5+AXlyTjXHnJkE9K0Ab-_0Ab",
    ],
)
def test_shapes_of_secrets_are_hidden_anywhere(text: str) -> None:
    """A secret is hidden wherever it stands: in an event, a value, a list, a name, an object."""
    hidden = [
        redact(None, "info", {"event": text}),
        redact(None, "info", {"why": {"deep": [(text,), {text}]}}),
        redact(None, "info", {"headers": [(b"x", text.encode())]}),
        redact(None, "info", {"error": ValueError(text)}),
        redact(None, "info", {"by": {text: 1}}),
    ]

    for event in hidden:
        said = json.dumps(event)
        assert not any(
            tail in said for tail in (TAIL, text[-12:], "eyJhbGciOiJub25lIn0", "QWItXzB")
        )


def test_id_of_a_secret_stays() -> None:
    """A secret is replaced by what names its key, so that operators can follow it."""
    assert redact(None, "info", {"event": SECRET}) == {"event": "pd_k3yk3yk3_…"}


def test_any_value_can_be_written() -> None:
    """Cycles, big integers, bytes and odd objects are written in some plain form."""
    loop: list[object] = []
    loop.append(loop)

    event = redact(None, "info", {"a": loop, "b": 2**70, "c": b"payload", "d": object, "e": None})

    json.dumps(event)
    assert (event["b"], event["c"], event["e"]) == (str(2**70), "[7 bytes]", None)
