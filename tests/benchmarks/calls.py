"""Whole calls as the wire of policyd has them; peers are told the same."""

from typing import Any

from tests.benchmarks.company import Check, Company, Question


def call(check: Check, number: int) -> dict[str, Any]:
    """The body of `POST /access/v1/evaluation`; the *number* makes its path another one."""
    question = check.question
    return {
        "subject": {"type": "integration", "id": question.integration},
        "action": {"name": question.action},
        "resource": {"type": "dataset", "id": question.dataset},
        "context": {
            "endpoint": f"https://{check.host}/v1/orders/{number}",
            "method": "GET" if question.action == "read" else "POST",
        },
    }


def batch(integration: str, company: Company, first: int, count: int) -> list[Check]:
    """*count* checks for one integration, from the *first* of the company's datasets on."""
    names, hosts = tuple(company.datasets), tuple(company.hosts)
    actions = ("read", "send", "write")
    return [
        _check(integration, actions[at % 3], names[at % len(names)], hosts[at % len(hosts)])
        for at in range(first, first + count)
    ]


def _check(integration: str, action: str, dataset: str, outside: str) -> Check:
    host = outside if action == "send" else f"{dataset.partition('/')[0]}.example"
    return Check(Question(integration, action, dataset), host)
