"""Changes: each step, who may take it, and what voids what."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policyd.model.change import Approval, Change, Demand, Emergency, State
from policyd.model.errors import Conflict

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEW = Change("c1", "Close the CRM", "the contract ends", ("Ann",), "b1", "s1", "t1")
ONE = Demand("d1", "fast", frozenset({"hr-apps"}))
TWO = Demand("d1", "slow", frozenset({"hr-apps", "ciso"}), 2)
REVIEWED = NEW.reviewed(ONE)
SOON = Emergency("Ann", "the CRM leaks", NOW + timedelta(hours=4))


def yes(holder: str, owner: str | None = "hr-apps", key: str = "k1", of: str = "d1") -> Approval:
    """An approval."""
    return Approval(holder, key, owner, of, NOW)


APPROVED = REVIEWED.approved(yes("Bob"))
URGENT = NEW.published_in_emergency(SOON, NOW)


def code(step: Callable[[], Change]) -> str:
    """With which code a step is refused."""
    with pytest.raises(Conflict) as refused:
        step()
    return refused.value.code


def test_the_way_into_force() -> None:
    """Proposed, reviewed, approved by the owner asked for, run in shadow, published."""
    assert (NEW.state, NEW.is_open, NEW.is_agreed) == (State.PROPOSED, True, False)
    assert (REVIEWED.state, REVIEWED.missing, REVIEWED.lacking) == (
        State.REVIEWED,
        frozenset({"hr-apps"}),
        1,
    )
    assert APPROVED.state is State.APPROVED
    assert APPROVED.published().state is State.PUBLISHED
    shadow = APPROVED.shadowed()
    assert shadow.state is State.SHADOW
    assert shadow.out_of_shadow() == APPROVED
    assert code(APPROVED.out_of_shadow) == "change-not-ready"
    assert not shadow.published().is_open
    assert shadow.counting(lambda _: True) is shadow


def test_every_owner_and_enough_people_have_to_agree() -> None:
    """Two owners and two people: one person with the keys of both is not enough."""
    change = NEW.reviewed(TWO).approved(yes("Bob"))
    assert (change.state, change.missing) == (State.REVIEWED, frozenset({"ciso"}))
    change = change.approved(yes("bob", "ciso", "k2"))
    assert (change.state, change.missing, change.lacking) == (State.REVIEWED, frozenset(), 1)
    assert change.approved(yes("Kim", "ciso")).state is State.APPROVED


@pytest.mark.parametrize("holder", ["Ann", "ann", " ANN  ", "Ａnn"])
def test_who_proposed_it_does_not_approve_it(holder: str) -> None:
    """Whatever the key, and however the name is written."""
    assert code(lambda: REVIEWED.approved(yes(holder, key="other"))) == "own-change"


def test_who_had_a_part_in_it_does_not_approve_it() -> None:
    """Nor do approvals count of somebody who writes a part of it later."""
    revised = APPROVED.revised("Bob", "b2", "s2", "t2")
    assert (revised.state, revised.authors, revised.approvals) == (
        State.PROPOSED,
        ("Ann", "Bob"),
        (),
    )
    assert code(lambda: revised.reviewed(ONE).approved(yes("Bob"))) == "own-change"
    again = revised.revised("bob", "b3", "s3", "t3")
    assert again.authors == ("Ann", "Bob")


@pytest.mark.parametrize(("decision", "state"), [("d1", State.APPROVED), ("d2", State.REVIEWED)])
def test_new_content_voids_approvals(decision: str, state: State) -> None:
    """But not if its review says that it decides the same."""
    revised = APPROVED.revised("Ann", "b1", "s2", "t2")
    assert (revised.state, revised.demand) == (State.PROPOSED, None)
    assert revised.reviewed(replace(ONE, decision=decision)).state is state


def test_an_approval_is_of_what_was_looked_at() -> None:
    """Of another digest, before the review, or given twice: it is refused."""
    assert code(lambda: REVIEWED.approved(yes("Bob", of="d0"))) == "content-changed"
    assert code(lambda: NEW.approved(yes("Bob"))) == "change-not-ready"
    assert code(lambda: URGENT.approved(yes("Bob"))) == "change-not-ready"
    assert code(lambda: APPROVED.approved(yes("Bob"))) == "approved-already"


def test_only_who_is_asked_approves() -> None:
    """Where owners are asked for, nobody else's yes is one; where none is, anybody's is."""
    assert code(lambda: REVIEWED.approved(yes("Bob", "finance"))) == "not-asked"
    assert code(lambda: REVIEWED.approved(yes("Bob", None))) == "not-asked"
    open_to_all = NEW.reviewed(replace(ONE, owners=frozenset()))
    assert open_to_all.approved(yes("Bob", None)).state is State.APPROVED


def test_who_left_does_not_agree_any_more() -> None:
    """An approval that does not stand is gone, and the change waits again."""
    left = APPROVED.counting(lambda _: False)
    assert (left.state, left.approvals) == (State.REVIEWED, ())
    assert APPROVED.shadowed().counting(lambda _: False).state is State.REVIEWED
    assert code(left.published) == "change-not-ready"


def test_an_emergency_goes_first_and_is_reviewed_after() -> None:
    """It is in force with a reason and an end, and stays unreviewed until others agree."""
    assert (URGENT.state, URGENT.is_unreviewed) == (State.PUBLISHED, True)
    reviewed = URGENT.reviewed(ONE)
    assert (reviewed.state, reviewed.is_unreviewed) == (State.PUBLISHED, True)
    assert code(lambda: reviewed.approved(yes("Ann"))) == "own-change"
    agreed = reviewed.approved(yes("Bob"))
    assert (agreed.state, agreed.is_unreviewed) == (State.PUBLISHED, False)
    assert code(lambda: agreed.approved(yes("Kim"))) == "change-ended"
    assert agreed.rolled_back("it broke").ended == "it broke"


@pytest.mark.parametrize(
    ("reason", "hours", "expected"),
    [
        (" ", 4, "reason-missing"),
        ("leak", 0, "emergency-unlimited"),
        ("leak", -1, "emergency-unlimited"),
        ("leak", 73, "emergency-unlimited"),
    ],
)
def test_an_emergency_has_a_reason_and_an_end(reason: str, hours: int, expected: str) -> None:
    """Without either it is none."""
    emergency = Emergency("Ann", reason, NOW + timedelta(hours=hours))
    assert code(lambda: REVIEWED.published_in_emergency(emergency, NOW)) == expected


ENDS = [NEW.withdrawn("no"), NEW.refused("no"), APPROVED.published().rolled_back("no")]


@pytest.mark.parametrize("ended", ENDS)
def test_an_end_is_an_end(ended: Change) -> None:
    """Nothing can be done to a change that was withdrawn, refused or rolled back."""
    assert not ended.is_open
    assert ended.ended == "no"
    steps: list[Callable[[], Change]] = [
        ended.published,
        ended.shadowed,
        ended.out_of_shadow,
        lambda: ended.reviewed(ONE),
        lambda: ended.approved(yes("Bob")),
        lambda: ended.revised("Ann", "b", "s", "t"),
        lambda: ended.published_in_emergency(SOON, NOW),
        lambda: ended.withdrawn("x"),
        lambda: ended.refused("x"),
        lambda: ended.rolled_back("x"),
    ]
    assert {code(step) for step in steps} == {"change-ended"}
    assert ended.counting(lambda _: False).state is ended.state


def test_what_comes_too_early_is_told_apart() -> None:
    """A step that will be one later has another code than one that never will."""
    assert code(NEW.published) == code(REVIEWED.shadowed) == "change-not-ready"
    assert code(lambda: REVIEWED.reviewed(ONE)) == "change-not-ready"
    assert code(lambda: APPROVED.shadowed().revised("Ann", "b", "s", "t")) == "change-ended"
