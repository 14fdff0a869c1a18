"""Strategies for what a unit may write in its folder: ordinary files, and every way to cheat."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.properties.ruling import some
from tests.properties.trees import Tree

Says = dict[str, Any]
OWN = ("mailer", "cube", "asker")
ACCESS, INTEGRATIONS = "units/sales/access.yaml", "units/sales/integrations.yaml"
UNIT = "units/sales/unit.yaml"
ROLES = ("shared", "customer-reader", "customer-writer", "ai-user")
_DATASETS = (
    "erp/customers",
    "erp/stock",
    "erp/payments",
    "crm/contacts",
    "crm/deals",
    "hris/staff",
)
_PLACES = ("crm", "llm", "partner", "news", "bank", "runner")
_data = st.just("anything") | st.sampled_from(some("erp/*", "crm/*", *_DATASETS)).map(list)
_who = st.just("everyone") | st.sampled_from(some(*OWN, *ROLES)).map(list)
_OTHERS = some(*OWN, *ROLES, "hr", "hr/report", "people-link")
_forbidden = st.sampled_from([*["everyone"] * 20, *map(list, _OTHERS)])
_spared = st.sampled_from(_OTHERS).map(list)
_NARROWING: dict[str, st.SearchStrategy[Any]] = {
    "in_systems_of": st.sampled_from(["record", "engagement"]),
    "stage": st.sampled_from(["sandbox", "production"]),
    "label_at_least": st.sampled_from(["public", "internal"]),
    "label_at_most": st.sampled_from(["internal", "confidential", "restricted"]),
    "category": st.sampled_from(["personal", "payment", "health"]).map(lambda each: [each]),
    "during": st.just(["night"]) | st.just(["freeze"]),
    "outside": st.just(["night"]) | st.just(["freeze"]),
}
_often = st.integers(0, 3)
_words = st.lists(st.sampled_from(sorted(_NARROWING)), max_size=2, unique=True)
_verbs = st.lists(st.sampled_from(["read", "write", "delete"]), min_size=1, unique=True)
_places = st.sampled_from(some(*_PLACES)).map(list)


@st.composite
def unit_rules(draw: st.DrawFn, *, forbids: bool) -> Says:
    """A rule that a unit may write."""
    says: Says = {"who": draw(_who), "reason": "We say so."}
    says |= {word: draw(_NARROWING[word]) for word in draw(_words)}
    if forbids:
        says["fix"] = "Ask us."
        says["who"] = draw(_forbidden)
        if not draw(_often):
            says["except"] = draw(_spared)
    if draw(st.booleans()):
        return says | {verb: draw(_data) for verb in draw(_verbs)}
    return says | {"send": draw(_data), "to": draw(_places)}


_allows, _forbids = unit_rules(forbids=False), unit_rules(forbids=True)
_entries = st.fixed_dictionaries(
    {
        "title": st.just("Something"),
        "owner": st.sampled_from(["sales", "it"]),
        "stage": st.sampled_from(["production", "production", "sandbox"]),
        "until": st.just("2027-01-01"),
        "runs_on": st.sampled_from(["flows", "flows", "runner"]),
        "roles": st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True),
    }
)
_templates = st.sampled_from([None, None, "feed", "quick"])
WIDE: Says = {
    "all": {"who": "everyone", "reason": "Inside the guardrails."}
    | dict.fromkeys(("read", "write", "delete"), "anything"),
    "out": {
        "who": "everyone",
        "send": "anything",
        "to_zone": ["core", "processor", "partner", "open"],
        "reason": "Inside the guardrails.",
    },
}


@st.composite
def _entry(draw: st.DrawFn) -> Says:
    entry, template = draw(_entries), draw(_templates)
    if template:
        entry |= {"template": template, "runs_on": "flows"}
    return entry


_integrations = st.fixed_dictionaries({name: _entry() for name in OWN})
_few = st.integers(0, 2)


@st.composite
def honest(draw: st.DrawFn) -> Tree:
    """Files of the unit `sales` in which nothing is out of order."""
    allow = {f"a{n}": draw(_allows) for n in range(draw(_few))} | (WIDE if draw(_often) else {})
    forbid = {f"f{n}": draw(_forbids) for n in range(draw(_few))}
    return {
        UNIT: {"contact": "sales@guarded.example"},
        ACCESS: {"allow": allow, "forbid": forbid},
        INTEGRATIONS: {"integrations": draw(_integrations)},
    }


def _in_entry(**more: object) -> Callable[[Tree], None]:
    """Puts something into an integration."""

    def cheat(tree: Tree) -> None:
        tree[INTEGRATIONS]["integrations"]["mailer"].update(more)

    return cheat


def _with_role(role: str) -> Callable[[Tree], None]:
    def cheat(tree: Tree) -> None:
        tree[INTEGRATIONS]["integrations"]["mailer"]["roles"].append(role)

    return cheat


def _named(name: str) -> Callable[[Tree], None]:
    """Registers an integration under a name that means something else."""

    def cheat(tree: Tree) -> None:
        found = tree[INTEGRATIONS]["integrations"]
        found[name] = dict(found["mailer"])

    return cheat


def _allowing(**says: object) -> Callable[[Tree], None]:
    def cheat(tree: Tree) -> None:
        everything = dict.fromkeys(("read", "write", "delete"), "anything")
        rule = {"who": "everyone", "reason": "We take it."} | everything | says
        tree[ACCESS]["allow"]["taken"] = rule

    return cheat


def _in_file(path: str, **more: object) -> Callable[[Tree], None]:
    def cheat(tree: Tree) -> None:
        tree[path] = {**tree.get(path, {}), **more}

    return cheat


_TAKE = {"taken": {"who": "everyone", "read": "anything", "reason": "We take it."}}
CHEATS: dict[str, Callable[[Tree], None]] = {
    "a role of another unit": _with_role("people-link"),
    "a role that only a role may include": _with_role("archivist"),
    "a role nobody declared": _with_role("king"),
    "everyone as a role": _with_role("everyone"),
    "a unit as a role": _with_role("hr"),
    "an integration as a role": _with_role("hr/report"),
    "a role that is a pattern": _with_role("*"),
    "another unit's template": _in_entry(template="people-flow", runs_on="runner"),
    "a template nobody wrote": _in_entry(template="free"),
    "production by word": _in_entry(stage="production"),
    "a stage nobody knows": _in_entry(stage="trusted"),
    "a place of another zone": _in_entry(runs_on="bank"),
    "a place nobody listed": _in_entry(runs_on="home"),
    "a mode for an integration": _in_entry(mode="observe"),
    "a unit for an integration": _in_entry(unit="hr"),
    "names for an integration": _in_entry(names=["hr", "people-link"]),
    "its own promotion": _in_entry(promoted=True, self_promotion=True),
    "an integration named like a role": _named("people-link"),
    "an integration named like a unit": _named("hr"),
    "an integration of another unit": _named("hr/report"),
    "an integration named everyone": _named("everyone"),
    "an integration named nobody": _named("nobody"),
    "an integration named like none": _named("../hr"),
    "a mode for a rule": _allowing(mode="warn"),
    "a rule for others": _allowing(who=["hr"]),
    "a rule for an integration of others": _allowing(who=["hr/report"]),
    "a rule of IT": _allowing(owner="it"),
    "a rule that lifts one": _allowing(lifts="guardrail:people-stay"),
    "a rule in another layer": _allowing(layer="guardrail"),
    "a ceiling": _in_file(ACCESS, ceiling=_TAKE),
    "a mode for the unit": _in_file(UNIT, mode="observe"),
    "a roll-out": _in_file(UNIT, rollout={"observe": "2027-01-01"}),
    "roles in the unit's file": _in_file(UNIT, roles={"king": {"units": ["sales"]}}),
    "places in the unit's file": _in_file(UNIT, runs_on=["bank"], zone="core"),
    "exemptions": _in_file(ACCESS, exemptions=_TAKE),
    "a roles file": _in_file("units/sales/roles.yaml", roles={"king": {"units": ["sales"]}}),
    "guardrails in its folder": _in_file("units/sales/guardrails/access.yaml", ceiling=_TAKE),
    "a folder of a new unit": _in_file("units/it/access.yaml", allow=_TAKE),
    "tests and notes": _in_file("units/sales/tests/x_test.yaml", allow=_TAKE),
}


@st.composite
def sales_files(draw: st.DrawFn) -> Tree:
    """Files of the unit `sales`, of which some try one of the `CHEATS`."""
    tree = draw(honest())
    if draw(_few) == 2:
        CHEATS[draw(st.sampled_from(sorted(CHEATS)))](tree)
    return tree
