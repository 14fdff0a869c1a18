"""Waiting for a server that is at work, saying on stderr how far it is."""

import time
from collections.abc import Callable
from typing import Any

from policyd.cli.output import remark
from policyd.cli.reply import having
from policyd.cli.server import Refused, Server

_FIRST_S, _LONGEST_S = 0.1, 2.0

Look = Callable[[], dict[str, Any]]


def until(look: Look, is_over: Callable[[dict[str, Any]], bool], word: str) -> dict[str, Any]:
    """What *look* sees once it is over; each new *word* of it is told meanwhile."""
    pause, said = _FIRST_S, ""
    while not is_over(seen := look()):
        step = str(seen.get(word) or "")
        if step != said:
            remark(f"… {step}")
            said = step
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_S)
    return seen


def done(server: Server, job: dict[str, Any]) -> dict[str, Any]:
    """The result of a job, once it is done.

    Raises:
        Refused: it was not done, with the code that says why.
    """
    path = f"/v1/policies/jobs/{job['id']}"
    ended = until(
        lambda: having(("state", "step", "result"), server.ask("GET", path).body),
        lambda seen: seen["state"] != "running",
        "step",
    )
    if ended["state"] == "failed":
        raise Refused(str(ended.get("detail")), code=str(ended.get("code")))
    result: dict[str, Any] = ended["result"]
    return result
