"""The policy files in `company/` as data, to be changed and written again; and calls about them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.properties.asking import Asks, facts, sensible, somewhere, targets

Tree = dict[str, Any]
"""What every file says, by its path; the casbin model as text."""

COMPANY = Path(__file__).parent / "company"
SALES, HR = ("sales/mailer", "sales/cube", "sales/asker"), ("hr/report", "hr/books")


@cache
def _texts() -> dict[str, str]:
    found = (path for path in sorted(COMPANY.rglob("*")) if path.is_file())
    return {path.relative_to(COMPANY).as_posix(): path.read_text("utf-8") for path in found}


def company() -> Tree:
    """A fresh copy of the tree; days and times in its files stand in quotes, so they are text."""
    return {
        path: text if path.endswith(".conf") else yaml.safe_load(text)
        for path, text in _texts().items()
    }


def files(tree: Tree) -> dict[str, bytes]:
    """The tree as files; JSON is YAML, too."""
    return {
        path: (said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)).encode()
        for path, said in tree.items()
    }


def _fits(rule: dict[str, Any], target: tuple[str, str, str]) -> bool:
    """Whether a ceiling's data and places speak of *target*."""
    action, data, endpoint = target
    named, places = rule.get(action, []), rule.get("to")
    is_there = not places or action != "send" or endpoint.removesuffix("/api") in places
    return is_there and any(data.startswith(name.removesuffix("*")) for name in named)


def asks_of(*who: str, system: str = "") -> st.SearchStrategy[Asks]:
    """Sensible calls of the integrations *who* with any data, or only that of *system*.

    One half are calls that some ceiling speaks of, or nearly nothing would be allowed.
    """
    tree = company()
    known = tree["guardrails/labels.yaml"]["datasets"]
    datasets = [name for name in known if name.startswith(system)]
    places = tree["guardrails/destinations.yaml"]["destinations"]
    ceilings = tree["guardrails/access.yaml"]["ceiling"].values()
    likely = [
        target
        for target in targets(datasets, places)
        if any(_fits(rule, target) for rule in ceilings)
    ]
    where = st.booleans().flatmap(
        lambda any_: somewhere(datasets, places) if any_ else st.sampled_from(likely)
    )
    fields = st.lists(st.sampled_from(["number", "email", "iban", "other"]), max_size=2)
    calls = sensible(st.sampled_from(who), where, fields)
    return st.lists(st.tuples(calls, facts), min_size=6, max_size=12)
