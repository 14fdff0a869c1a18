"""Cerbos with the company's rules: a resource policy for each system."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.company import CLEARANCE, Check, Company
from tests.benchmarks.plan import BENCH
from tests.benchmarks.processes import Process, free_port
from tests.benchmarks.served import Served

INSTALLED = BENCH / "cerbos" / "node_modules" / "@cerbos"
CONFIG = Path(__file__).with_name("config.yaml")
_VERSION = "api.cerbos.dev/v1"
_UNLISTED = "none"
_FLOW = f"R.attr.level > {json.dumps(CLEARANCE | {_UNLISTED: -1})}[R.attr.zone]"


def program() -> Path:
    """The server's binary.

    Raises:
        FileNotFoundError: it is not installed.
    """
    found = sorted(INSTALLED.glob("cerbos-*/cerbos-*"))
    if not found:
        raise FileNotFoundError("it is not installed")
    return found[0]


def policies(company: Company) -> dict[str, dict[str, Any]]:
    """A resource policy for each system, by name."""
    files: dict[str, dict[str, Any]] = {}
    said: defaultdict[str, defaultdict[tuple[bool, str, str], list[str]]]
    said = defaultdict(lambda: defaultdict(list))
    for rule in company.rules:
        system = rule.data.partition("/")[0]
        said[system][rule.is_forbid, rule.action, rule.role].append(rule.data)
    for system in company.systems:
        flow = _rule("send", "*", is_deny=True) | {"condition": {"match": {"expr": _FLOW}}}
        files[system] = {
            "apiVersion": _VERSION,
            "resourcePolicy": {
                "resource": system,
                "version": "default",
                "rules": [flow, *_rules(said[system])],
            },
        }
    return files


def _rules(said: dict[tuple[bool, str, str], list[str]]) -> Iterator[dict[str, Any]]:
    """What one role may or may not do is one rule, with the data it is about as its condition."""
    for (is_forbid, action, role), names in said.items():
        rule = _rule(action, role, is_deny=is_forbid)
        if not any(name.endswith("/*") for name in names):
            listed = ", ".join(f'"{name}"' for name in names)
            rule["condition"] = {"match": {"expr": f"R.id in [{listed}]"}}
        yield rule


def _rule(action: str, role: str, *, is_deny: bool) -> dict[str, Any]:
    effect = "EFFECT_DENY" if is_deny else "EFFECT_ALLOW"
    return {"actions": [action], "effect": effect, "roles": [role]}


class CerbosServer(Served):
    """Cerbos: decision log on, local backend."""

    name = "Cerbos"
    path = "/api/check/resources"

    def __init__(self, company: Company, scratch: Path) -> None:
        """Start it; FileNotFoundError if it is not installed."""
        binary = program()
        self._company = company
        folder = scratch / "cerbos"
        (folder / "policies").mkdir(parents=True)
        for name, content in policies(company).items():
            text = yaml.safe_dump(content, sort_keys=False)
            (folder / "policies" / f"{name}.yaml").write_text(text, encoding="utf-8")
        self.audit = folder / "audit"
        port = free_port()
        filled = CONFIG.read_text(encoding="utf-8")
        for variable, value in {
            "HTTP_PORT": port,
            "GRPC_PORT": free_port(),
            "POLICIES": folder / "policies",
            "AUDIT": self.audit,
        }.items():
            filled = filled.replace(f"${{BENCH_{variable}}}", str(value))
        config = folder / "config.yaml"
        config.write_text(filled, encoding="utf-8")
        command = [binary, "server", "--config", config, "--log-level", "warn"]
        self.process = Process(command, port, scratch / "cerbos.log")

    def body(self, check: Check, number: int) -> Any:  # noqa: ANN401 - JSON is any of its types
        """The roles and attributes that an application tells Cerbos."""
        who = check.question.integration
        return {"principal": self.principal(who), "resources": [self.resource(check, number)]}

    def principal(self, integration: str) -> dict[str, Any]:
        """Who asks; Cerbos keeps no roles, the application sends them."""
        return {"id": integration, "roles": list(self._company.closure[integration])}

    def resource(self, check: Check, number: int) -> dict[str, Any]:
        """What is asked about, with the attributes that rules look at."""
        question = check.question
        kind = question.dataset.partition("/")[0]
        attributes = {
            "level": self._company.datasets[question.dataset],
            "zone": self._company.hosts.get(check.host, _UNLISTED),
            "path": f"/v1/orders/{number}",
        }
        entry = {"kind": kind, "id": question.dataset, "attr": attributes}
        return {"actions": [question.action], "resource": entry}

    def is_allow(self, answer: Any) -> bool:  # noqa: ANN401 - JSON is any of its types
        """The effect of the one action."""
        (effect,) = answer["results"][0]["actions"].values()
        return bool(effect == "EFFECT_ALLOW")
