"""Small models, loaded by both."""

from collections.abc import Callable
from typing import Any

import casbin
import pytest
from casbin.model import Model
from casbin.persist.adapters.string_adapter import StringAdapter

from policyd.engine.access import CompiledEnforcer
from tests.unit.engine.compiled.published import ALLOW

Load = Callable[..., Any]


def model_text(
    m: str, p: str = "sub, obj, act", r: str = "sub, obj, act", g: str = "", e: str = ALLOW
) -> str:
    """The text of a model with matcher *m*."""
    roles = f"[role_definition]\n{g}\n" if g else ""
    return (
        f"[request_definition]\nr = {r}\n[policy_definition]\np = {p}\n{roles}"
        f"[policy_effect]\ne = {e}\n[matchers]\nm = {m}\n"
    )


def model_of(text: str) -> Model:
    """The model with *text*."""
    model = Model()
    model.load_model_from_text(text)
    return model


@pytest.fixture
def compiled() -> Load:
    """Loads a `CompiledEnforcer`: `compiled(matcher, policy, p=, r=, g=, e=)`."""
    return lambda m, policy="", **rest: CompiledEnforcer.from_text(model_text(m, **rest), policy)


@pytest.fixture
def plain() -> Load:
    """Loads a `casbin.Enforcer` in the same way."""
    return lambda m, policy="", **rest: casbin.Enforcer(
        model_of(model_text(m, **rest)), StringAdapter(policy or "# no rules")
    )
