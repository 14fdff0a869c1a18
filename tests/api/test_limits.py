"""Limits over a server's life: what was used is known after it stops, and after it is killed."""

import shutil
from pathlib import Path

from tests.api.calls import call
from tests.api.conftest import Start
from tests.servers import JSON, POLICIES, Home, Server, bearer, encode

MAILING = call(
    *("sales/campaign-mailer", "send", "crm/contacts", "email"),
    endpoint="newsletter/api",
    method="POST",
    supported_obligations=["log-outcome"],
) | {"action": {"name": "send", "properties": {"rows": 300}}}


def used(server: Server, key: str) -> int:
    """What the day's limit of people who leave has counted."""
    answer = server.send("POST", "/v1/explain", encode(MAILING), JSON | bearer(key))
    (limit,) = answer.json()["limits"]
    found: int = limit["used"]
    return found


def test_limits_outlive_the_server(home: Home, start: Start, tmp_path: Path) -> None:
    """A stopped server leaves what was used beside the log; one that is killed, in the log."""
    policies = tmp_path / "policies"
    shutil.copytree(POLICIES, policies)
    rules = policies / "units/sales/access.yaml"
    # No hour of the day decides this test.
    rules.write_text(rules.read_text("utf-8").replace("during: [night]", "during: [change-freeze]"))
    first = start(policies)
    key = first.make_key("builder", "pep", units=["sales"])["key"]
    assert first.check(MAILING, key).json()["decision"]
    first.stop()
    assert (home.data / "projection.jsonl").exists()

    second = start(policies)
    assert used(second, key) == 300
    assert second.check(MAILING, key).json()["decision"]
    second.kill(with_writer=True)

    third = start(policies)
    assert used(third, key) == 600
    assert not [each for each in third.log_lines() if each["event"] == "projection-useless"]
