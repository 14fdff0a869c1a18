"""Notices: in the order in which they are pressing, and known again by what they say."""

from policyd.model.notice import Notice

ENDS = Notice("2026-03-01T00:00:00Z", "exemption-ends", "EX-1", "it", "renew it")


def test_what_says_the_same_is_the_same() -> None:
    """The id is of all that is said, whoever says it, and of nothing else."""
    again = Notice(*("2026-03-01T00:00:00Z", "exemption-ends", "EX-1", "it", "renew it"))
    assert again.id == ENDS.id
    others = [
        Notice("2026-03-02T00:00:00Z", "exemption-ends", "EX-1", "it", "renew it"),
        Notice("2026-03-01T00:00:00Z", "mode-ends", "EX-1", "it", "renew it"),
        Notice("2026-03-01T00:00:00Z", "exemption-ends", "EX-2", "it", "renew it"),
        Notice("2026-03-01T00:00:00Z", "exemption-ends", "EX-1", "hr", "renew it"),
        Notice("2026-03-01T00:00:00Z", "exemption-ends", "EX-1", "it", "drop it"),
    ]
    assert len({ENDS.id, *(each.id for each in others)}) == len(others) + 1


def test_the_soonest_comes_first() -> None:
    """By when it ends; what is in no hurry has no time, and comes before all of them."""
    later = Notice("2026-04-01T00:00:00Z", "a", "a", "a", "a")
    waits = Notice("", "approval-waiting", "c1", "it", "wait")
    assert sorted([later, ENDS, waits]) == [waits, ENDS, later]
