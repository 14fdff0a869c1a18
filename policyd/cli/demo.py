"""The demo: a real server, real calls, each beside its answer and its record; then a forgery."""

import contextlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from policyd.bootstrap import Initialised, initialise
from policyd.cli.demo_calls import SCENES, Scene
from policyd.cli.exits import FAILED, FINE
from policyd.model.errors import UsageError

EVALUATION = "/access/v1/evaluation"
_UNITS = ["sales", "webshop", "plants", "hr", "finance"]
_SECONDS_TO_START = 30.0
_FORGED = b"payroll/payslips", b"payroll/paysl1ps"


class DemoFailed(Exception):
    """The demo did not go as its script says."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A server to play on, and the keys to it."""

    url: str
    made: Initialised
    pep: str
    client: httpx2.Client

    def ask(self, call: dict[str, Any]) -> httpx2.Response:
        """Send one check as the flows do."""
        return self.client.post(EVALUATION, json=call, headers=_bearer(self.pep))

    def record(self, record_id: str) -> dict[str, Any]:
        """Read one record as an auditor does."""
        path = f"/v1/audit/records/{record_id}"
        found = self.client.get(path, headers=_bearer(self.made.key)).raise_for_status()
        entry: dict[str, Any] = found.json()
        return entry


def demo(*, once: bool, port: int, policies: Path) -> int:
    """Play the demo; serve on until Ctrl-C unless *once*. 0 if all went as it should."""
    console = Console(highlight=False)
    _need_free(port)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="policyd-demo-") as folder,
            _stage(Path(folder), policies, port) as stage,
        ):
            _play(console, stage)
            _forge(console, stage, Path(folder))
            if not once:
                _what_next(console, stage)
                _wait(console)
    except DemoFailed as failed:
        console.print(Text.assemble(("the demo failed: ", "bold red"), str(failed)))
        return FAILED
    return FINE


def _need_free(port: int) -> None:
    """Nothing, if nobody listens on *port*; the demo would else talk to another server.

    Raises:
        UsageError: somebody does.
    """
    with contextlib.closing(socket.socket()) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"cannot listen on 127.0.0.1:{port}: {error.strerror};"
                " stop what uses the port, or choose another with --port",
                code="port-unavailable",
            ) from None


@contextlib.contextmanager
def _stage(folder: Path, policies: Path, port: int) -> Iterator[Stage]:
    made = initialise(folder / "data", "policyd.local/demo", "demo-admin")
    where = ["--data", str(made.data), "--policies", str(policies), "--port", str(port)]
    with (folder / "server.log").open("wb") as logged:
        server = subprocess.Popen(  # noqa: S603 - this program
            [sys.executable, "-m", "policyd", "serve", *where], stderr=logged
        )
        try:
            url = f"http://127.0.0.1:{port}"
            with httpx2.Client(base_url=url, trust_env=False) as client:
                _await_ready(client, server, folder / "server.log")
                yield Stage(url, made, _make_key(client, made.key), client)
        finally:
            server.terminate()
            server.wait()


def _await_ready(client: httpx2.Client, server: subprocess.Popen[bytes], logged: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(httpx2.TransportError):
            if client.get("/health/ready").is_success:
                return
        time.sleep(0.05)
    raise DemoFailed(f"the server did not start:\n{logged.read_text()}")


def _make_key(client: httpx2.Client, admin: str) -> str:
    asked = {"holder": "demo flows", "kind": "service", "owner": "platform", "units": _UNITS}
    made = client.post("/v1/keys", json=asked | {"roles": ["pep"]}, headers=_bearer(admin))
    key: str = made.raise_for_status().json()["key"]
    return key


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _play(console: Console, stage: Stage) -> None:
    """Ask every call, and show it beside what came of it."""
    console.print(f"\n[bold]{len(SCENES)} integration calls[/], asked over HTTP at {stage.url}\n")
    for number, scene in enumerate(SCENES, 1):
        answer = stage.ask(scene.call)
        entry = stage.record(answer.headers["x-decision-id"])
        console.rule(f"{number}. {scene.title}", align="left", style="dim")
        console.print(_side_by_side(scene.call, answer.json(), entry))
        _hold_to_script(scene, answer.json())


def _hold_to_script(scene: Scene, answer: dict[str, Any]) -> None:
    met = {reason["code"] for reason in answer["context"].get("reasons", [])}
    as_expected = answer["decision"] is True if scene.code is None else scene.code in met
    if not as_expected:
        expected = scene.code or "an allow"
        raise DemoFailed(f"`{scene.title}` should have met {expected}, and met {sorted(met)}")


def _side_by_side(call: dict[str, Any], answer: dict[str, Any], entry: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2, 1, 0), expand=True)
    table.add_column("question", ratio=3, overflow="fold")
    table.add_column("answer", ratio=5, overflow="fold")
    table.add_column("record, durable before the answer", ratio=3, overflow="fold")
    table.add_row(_question(call), _answer(answer), _record(entry))
    return table


def _question(call: dict[str, Any]) -> Text:
    fields = ", ".join(call["resource"].get("properties", {}).get("fields", ())) or "all fields"
    context = call["context"]
    lines = [
        call["subject"]["id"],
        f"{call['action']['name']} {call['resource']['id']}",
        f"({fields})",
        f"at {context.get('endpoint', '?')} {context.get('method', '')}",
    ]
    return Text("\n".join(lines))


def _answer(answer: dict[str, Any]) -> Text:
    allowed = answer["decision"]
    text = Text(
        "✔ allow\n" if allowed else "✘ deny\n", style="bold green" if allowed else "bold red"
    )
    for duty in answer["context"].get("obligations", ()):
        text.append(f"{duty['type']}: {', '.join(duty['properties']['fields'])}\n", "yellow")
    for reason in answer["context"].get("reasons", ()):
        text.append(f"{reason['code']}\n", "not bold")
        text.append(f"  {reason['message']}\n  → {reason['fix']}\n", "not bold dim")
    text.rstrip()
    return text


def _record(entry: dict[str, Any]) -> Text:
    record = entry["record"]
    lines = [
        f"#{entry['index']}  {record['decision']}",
        f"id   …{record['id'][-12:]}",
        f"leaf {entry['leaf_hash'][:12]}…",
        *(f"rule {reason['rule']}" for reason in record["reasons"] if "rule" in reason),
    ]
    return Text("\n".join(lines))


def _forge(console: Console, stage: Stage, folder: Path) -> None:
    """Change one byte in a copy of the log, and let the auditor's tool find it."""
    copy = _copy(stage.made.data / "ledger.db", folder / "copy.db")
    console.rule("The auditor's tool, on a copy of the log", align="left", style="dim")
    _verify(console, stage, copy, expected=0)
    index = _change_one_byte(copy)
    console.rule(
        f"The same, after one byte of record {index} was changed", align="left", style="dim"
    )
    _verify(console, stage, copy, expected=1)


def _copy(ledger: Path, copy: Path) -> Path:
    """The log with what is still in its write-ahead file; nothing writes to it just now."""
    for ending in ("", "-wal"):
        shutil.copy(f"{ledger}{ending}", f"{copy}{ending}")
    return copy


def _change_one_byte(copy: Path) -> int:
    """The index of a record in which one letter of a dataset's name is another now."""
    with contextlib.closing(sqlite3.connect(copy)) as ledger, ledger:
        rows = ledger.execute("select seq, leaf from leaf order by seq")
        index, leaf = next((seq, leaf) for seq, leaf in rows if _FORGED[0] in leaf)
        forged = leaf.replace(*_FORGED, 1)
        ledger.execute("update leaf set leaf = ? where seq = ?", (forged, index))
    return int(index)


def _verify(console: Console, stage: Stage, copy: Path, *, expected: int) -> None:
    command = [sys.executable, "-m", "policyd_audit", "verify", str(copy), "--key", stage.made.vkey]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this program
    console.print(Text((found.stdout + found.stderr).replace(str(copy), copy.name).strip() + "\n"))
    if found.returncode != expected:
        raise DemoFailed(f"policyd-audit ended with {found.returncode}, not {expected}")


def _what_next(console: Console, stage: Stage) -> None:
    """Lines to paste into another terminal while the server runs."""
    call = msgspec.json.encode(SCENES[1].call).decode()
    denied = msgspec.json.encode(SCENES[6].call).decode()
    console.rule("Ask it yourself, from another terminal", align="left", style="dim")
    for line in (
        f"export PEP={stage.pep} ADMIN={stage.made.key}",
        _curl(stage, EVALUATION, "PEP", call),
        _curl(stage, EVALUATION, "PEP", denied),
        _curl(stage, "/v1/audit/records?limit=2", "ADMIN"),
        _curl(stage, "/health/ready", "ADMIN"),
    ):
        console.print(Text(f"{line}\n"), soft_wrap=True)


def _curl(stage: Stage, path: str, key: str, body: str | None = None) -> str:
    data = f" -H 'Content-Type: application/json' -d '{body}'" if body else ""
    return f"curl -si '{stage.url}{path}' -H \"Authorization: Bearer ${key}\"{data}"


def _wait(console: Console) -> None:
    console.print("Serving until Ctrl-C; the demo's data is gone after that.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)
