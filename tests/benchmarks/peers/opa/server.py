"""OPA with the company's rules as data and one small policy."""

import json
from pathlib import Path
from typing import Any

from tests.benchmarks.calls import call
from tests.benchmarks.company import CLEARANCE, Check, Company
from tests.benchmarks.plan import BENCH
from tests.benchmarks.processes import Process, free_port
from tests.benchmarks.served import Served

PROGRAM = BENCH / "go" / "bin" / "opa"
POLICY = Path(__file__).with_name("policy.rego")


def data(company: Company) -> dict[str, Any]:
    """The rules by role, action and data; who holds which roles; labels; places."""
    rules: dict[str, Any] = {"allow": {}, "forbid": {}}
    for rule in company.rules:
        of_role = rules["forbid" if rule.is_forbid else "allow"].setdefault(rule.role, {})
        of_role.setdefault(rule.action, {})[rule.data] = True
    return {
        **rules,
        "integrations": {name: list(roles) for name, roles in company.closure.items()},
        "datasets": dict(company.datasets),
        "hosts": dict(company.hosts),
        "clearance": CLEARANCE,
    }


class OpaServer(Served):
    """OPA: decision log to a file, by its console and the shell's means."""

    name = "OPA"
    path = "/v1/data/bench/allow"

    def __init__(self, company: Company, scratch: Path) -> None:
        """Start it.

        Raises:
            FileNotFoundError: it is not installed.
        """
        if not PROGRAM.exists():
            raise FileNotFoundError("it is not installed")
        facts = scratch / "data.json"
        facts.write_text(json.dumps(data(company)), encoding="utf-8")
        port = free_port()
        command = [PROGRAM, "run", "--server", "--addr", f"127.0.0.1:{port}"]
        logs = ["--log-level", "error", "--set", "decision_logs.console=true"]
        quiet = ["--skip-version-check"]
        self.log = scratch / "opa.log"
        self.process = Process([*command, *logs, *quiet, POLICY, facts], port, self.log)

    def body(self, check: Check, number: int) -> Any:  # noqa: ANN401 - JSON is any of its types
        """The same call as policyd's, as input."""
        return {"input": call(check, number)}

    def is_allow(self, answer: Any) -> bool:  # noqa: ANN401 - JSON is any of its types
        """The value of the rule."""
        return bool(answer["result"])
