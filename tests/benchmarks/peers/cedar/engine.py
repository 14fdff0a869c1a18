"""The company's access rules as Cedar policies, one for each rule; its roles as entities."""

import importlib
import json
import sys
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.company import Company, Question
from tests.benchmarks.plan import BENCH
from tests.benchmarks.timing import Arguments

INSTALLED = BENCH / "python"


def cedarpy() -> Any:  # noqa: ANN401 - it may not be there
    """The package, wherever it was installed.

    Raises:
        ImportError: nowhere.
    """
    if str(INSTALLED) not in sys.path:
        sys.path.append(str(INSTALLED))
    importlib.invalidate_caches()  # it may have been installed a moment ago
    return importlib.import_module("cedarpy")


def policies(company: Company) -> str:
    """The policy text; a prefix of data is an entity that the datasets are in."""
    return "\n".join(_policies(company))


def _policies(company: Company) -> Iterator[str]:
    for rule in company.rules:
        system, _, name = rule.data.partition("/")
        what = (
            f'resource in System::"{system}"' if name == "*" else f'resource == Data::"{rule.data}"'
        )
        yield (
            f"{'forbid' if rule.is_forbid else 'permit'} "
            f'(principal in Role::"{rule.role}", action == Action::"{rule.action}", {what});'
        )


def entities(company: Company) -> list[dict[str, Any]]:
    """Everyone with their roles, and all data with their systems."""
    held = {"Integration": company.integrations, "Role": company.roles}
    return [
        *(
            _entity(kind, each, "Role", of)
            for kind, all_ in held.items()
            for each, of in all_.items()
        ),
        *(_entity("Data", each, "System", (each.partition("/")[0],)) for each in company.datasets),
    ]


def _entity(kind: str, name: str, above: str, parents: tuple[str, ...]) -> dict[str, Any]:
    return {
        "uid": {"type": kind, "id": name},
        "attrs": {},
        "parents": [{"type": above, "id": parent} for parent in parents],
    }


def load(company: Company) -> tuple[Any, Any]:
    """The policies and the entities, both read beforehand, as the package's manual advises."""
    package = cedarpy()
    parsed = package.PolicySet.from_str(policies(company))
    return parsed, package.Entities.from_json_str(json.dumps(entities(company)))


def arguments(loaded: tuple[Any, Any], question: Question) -> Arguments:
    """What `is_authorized` is asked: the request, the policies, the entities."""
    request = {
        "principal": {"type": "Integration", "id": question.integration},
        "action": {"type": "Action", "id": question.action},
        "resource": {"type": "Data", "id": question.dataset},
        "context": {},
    }
    return (request, *loaded)
