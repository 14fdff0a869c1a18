"""`CompiledEnforcer` answers and explains as pycasbin does, whatever the model and the policy."""

from collections import Counter
from random import Random  # noqa: TID251 - the type of what Hypothesis hands in

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.casbin.comparing import compare, outcome
from tests.properties.casbin.drawing import draw_case
from tests.properties.casbin.reference import judge
from tests.properties.sampling import share

chances = st.randoms(use_true_random=False)


@settings(max_examples=500)
@given(chances)
def test_agrees_with_pycasbin(chance: Random) -> None:
    """Decision, explaining rule and kind of error are pycasbin's, but for its known faults."""
    case = draw_case(chance)
    wrong = [each for each in compare(case) if each.is_unexplained]
    assert wrong == [], f"\n{case}"


@settings(max_examples=100)
@given(chances)
def test_the_reference_agrees_too(chance: Random) -> None:
    """The arbiter says what we say wherever there is an answer."""
    case = draw_case(chance)
    for each in compare(case):
        if each.question and isinstance(each.ours, tuple):
            assert outcome(judge, case, each.question) == each.ours, f"\n{case}"


def _kinds(chance: Random) -> list[bool]:
    """For each question of a case, whether it is allowed."""
    return [each.ours[0] is True for each in compare(draw_case(chance))]


def test_cases_are_about_something() -> None:
    """Of the questions some are allowed and most are not, as in life."""
    assert 0.05 <= share(chances, _kinds, 60) <= 0.5


def test_every_kind_of_case_is_drawn() -> None:
    """All kinds of roles, effects and sections come up."""
    kinds: Counter[str] = Counter()
    for number in range(200):
        case = draw_case(Random(number))  # noqa: S311 - not a secret
        kinds.update([case.effect, f"{len(case.sections)} sections", case.roles.get("g", "none")])
        kinds.update(step[0] for step in case.setup)
    assert {"allow", "deny", "both", "priority", "subject", "1 sections", "2 sections"} <= set(
        kinds
    )
    assert {"none", "_, _", "_, _, _", "_, _, (_, _)", "_, _, _, (_, _)"} <= set(kinds)
    assert {"add_named_matching_func", "add_named_domain_matching_func"} <= set(kinds)
    assert {"add_named_link_condition_func", "add_named_domain_link_condition_func"} <= set(kinds)
