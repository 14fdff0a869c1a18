"""The company as a policy tree."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

from policyd.engine.access import MODEL
from tests.benchmarks.company import LEVELS, Company, Rule

FEW, MANY = 0, 1_000_000_000  # rows or calls that no run comes near
_EVER = "2020-01-01"
_CHANGES = {"who": "everyone", "write": "anything", "delete": "anything"}
_WHY = {"reason": "Everyone knows why.", "fix": "Ask those who wrote this."}


def files(company: Company, *, with_rules: bool = True) -> dict[str, bytes]:
    """The files of the tree, by path."""
    said: dict[str, Any] = {
        "policyd.yaml": _words(company),
        "guardrails/access.yaml": _guardrails(),
        "guardrails/roles.yaml": _roles(company),
        "guardrails/systems.yaml": _systems(company),
        "guardrails/labels.yaml": _labels(company),
        "guardrails/destinations.yaml": _destinations(company),
        "guardrails/calendar.yaml": _calendar(),
        "guardrails/templates/flow.yaml": _template(),
    }
    rules: defaultdict[str, list[Rule]] = defaultdict(list)
    for rule in company.rules if with_rules else ():
        rules[rule.unit].append(rule)
    for unit in company.units:
        said[f"units/{unit}/unit.yaml"] = {"contact": f"{unit}@company.example"}
        said[f"units/{unit}/integrations.yaml"] = _integrations(company, unit)
        said[f"units/{unit}/access.yaml"] = unit_access(rules[unit])
    tree = {path: _yaml(content) for path, content in said.items()}
    return tree | {"guardrails/model.conf": MODEL.encode()}


def write(company: Company, folder: Path) -> None:
    """Write the tree."""
    for path, content in files(company).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _yaml(content: object) -> bytes:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: bytes = yaml.dump(
        content,
        Dumper=dumper,
        sort_keys=False,
        encoding="utf-8",
        width=1_000,
        default_flow_style=None,
    )
    return text


def _words(company: Company) -> dict[str, Any]:
    return {
        "name": "company",
        "labels": list(LEVELS),
        "categories": {"personal": "About a person."},
        "owners": {"it": {"contact": "it@company.example"}},
        "units": {u: {"title": u, "owner": "it", "runs_on": ["platform"]} for u in company.units},
    }


def _guardrails() -> dict[str, Any]:
    """What protects systems of record, one duty, and what may be done at most."""
    return {
        "owner": "it",
        "forbid": {
            "freeze": {**_CHANGES, "in_systems_of": "record", "during": ["freeze"], **_WHY},
            "trials": {**_CHANGES, "in_systems_of": "record", "stage": "sandbox", **_WHY},
        },
        "limit": {
            "changes": {**_CHANGES, "in_systems_of": "record", "calls": MANY, "per": "hour", **_WHY}
        },
        "ceiling": {
            "known": {
                "who": "everyone",
                "read": "anything",
                "write": "anything",
                "send": "anything",
                "to_zone": ["core", "processor", "partner"],
                "reason": "Known places.",
            }
        },
    }


def _template() -> dict[str, Any]:
    takes: dict[str, Any] = {"read": "anything", "write": "anything", "send": "anything"}
    return {
        "title": "Flow",
        "owner": "it",
        "reason": "Every flow.",
        "runs_on": ["platform"],
        "self_promotion": True,
        "ceiling": {
            "all": {**takes, "to_zone": ["core", "processor", "partner"], "reason": "All of it."}
        },
    }


def _roles(company: Company) -> dict[str, Any]:
    return {
        "owner": "it",
        "roles": {
            role: {"units": [role.partition("-role")[0]], "reason": "It is needed."}
            | ({"includes": list(brought)} if brought else {})
            for role, brought in company.roles.items()
        },
    }


def _systems(company: Company) -> dict[str, Any]:
    kinds = ("record", "engagement")
    return {
        "owner": "it",
        "systems": {
            system: {"kind": kinds[s % 2], "owner": "it", "title": system, "unit": company.units[s]}
            for s, system in enumerate(company.systems)
        },
        "connections": {f"{each}/api": f"https://{each}.example/v1/" for each in company.systems},
    }


def _labels(company: Company) -> dict[str, Any]:
    marks = {name: {"is": [LEVELS[rank]]} for name, rank in company.datasets.items()}
    return {"owner": "it", "datasets": marks}


def _destinations(company: Company) -> dict[str, Any]:
    zones = ("core", "processor", "partner", "open")
    rows = {
        zone: {"clearance": LEVELS[3 - at], "personal": "pass"} for at, zone in enumerate(zones)
    }
    own = {name: ("core", f"{name}.example") for name in (*company.systems, "platform")}
    others = {host.split(".")[1]: (zone, host) for host, zone in company.hosts.items()}
    return {
        "owner": "it",
        "zones": {zone: {"reason": f"The zone {zone}."} for zone in zones},
        "flow": rows,
        "unlisted": "open",
        "destinations": {
            name: {"zone": zone, "hosts": [host], "reason": "It is needed."}
            for name, (zone, host) in (own | others).items()
        },
    }


def _calendar() -> dict[str, Any]:
    freeze = {"from": _EVER, "until": _EVER, "reason": "It is over."}
    return {
        "owner": "it",
        "timezone": "Europe/Berlin",
        "hours": {},
        "freezes": {"freeze": [freeze]},
    }


def _integrations(company: Company, unit: str) -> dict[str, Any]:
    shape = {"owner": "it", "template": "flow", "stage": "production", "runs_on": "platform"}
    mine = {
        name: held for name, held in company.integrations.items() if name.startswith(f"{unit}/")
    }
    return {
        "integrations": {
            name.partition("/")[2]: {"title": name, **shape, "roles": list(held)}
            for name, held in mine.items()
        }
    }


def unit_access(rules: list[Rule]) -> dict[str, Any]:
    """The rules of one unit; a send may go wherever the guardrails let it."""
    allow, forbid = {}, {}
    for number, rule in enumerate(rules):
        says: dict[str, Any] = {"who": [rule.role], rule.action: [rule.data]}
        if rule.is_forbid:
            forbid[f"rule-{number}"] = says | _WHY
        else:
            to = {"to_zone": ["core", "processor", "partner"]} if rule.action == "send" else {}
            allow[f"rule-{number}"] = says | to | {"reason": _WHY["reason"]}
    return {"allow": allow, "forbid": forbid}
