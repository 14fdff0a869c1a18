"""The models that casbin's documents show answer as they should, and as pycasbin does."""

import casbin
import pytest
from casbin.model import Model
from casbin.persist.adapters.string_adapter import StringAdapter

from policyd.engine.access import CompiledEnforcer
from tests.unit.engine.compiled.published import PUBLISHED, Published


def _compiled(published: Published) -> CompiledEnforcer:
    enforcer = CompiledEnforcer.from_text(published.model, published.policy)
    if published.setup is not None:
        published.setup(enforcer)
    return enforcer


@pytest.mark.parametrize("name", PUBLISHED)
def test_answers(name: str) -> None:
    """Each question gets its answer."""
    published = PUBLISHED[name]
    enforcer = _compiled(published)
    assert enforcer.batch_enforce(published.yes) == [True] * len(published.yes)
    assert enforcer.batch_enforce(published.no) == [False] * len(published.no)


@pytest.mark.parametrize("name", PUBLISHED)
def test_explains_as_pycasbin_does(name: str) -> None:
    """The same rule explains each answer."""
    published = PUBLISHED[name]
    ours = _compiled(published)
    theirs = casbin.Enforcer(_model(published), StringAdapter(published.policy or "# no rules"))
    if published.setup is not None:
        published.setup(theirs)
    for request in published.yes + published.no:
        assert ours.enforce_ex(*request) == theirs.enforce_ex(*request)


@pytest.mark.parametrize("name", PUBLISHED)
def test_runs_as_planned(name: str) -> None:
    """What can be looked up is, and what runs rule by rule is known."""
    published = PUBLISHED[name]
    assert " ".join(step.how for step in _compiled(published).explain_plan()) == published.plan


def _model(published: Published) -> Model:
    model = Model()
    model.load_model_from_text(published.model)
    return model
