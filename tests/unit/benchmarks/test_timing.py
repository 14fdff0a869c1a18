"""Contenders take turns, and no call is made twice."""

from tests.benchmarks.timing import Contender, in_turns


def test_turns_and_calls() -> None:
    """Each has its turn in every round, with calls that nobody made before."""
    made: list[tuple[str, int]] = []
    contenders = [
        Contender(lambda number, name=name: made.append((name, number)), [(n,) for n in range(60)])
        for name in "ab"
    ]
    in_turns(contenders, rounds=3, budget_s=60)
    assert len(made) == len(set(made))
    turns = [name for at, (name, _) in enumerate(made) if at == 0 or made[at - 1][0] != name]
    assert turns == list("ababab")
    assert [len(each.seconds) for each in contenders] == [3, 3]


def test_the_slow_have_few_calls() -> None:
    """Who needs more than its time makes no more calls than it takes for a figure."""
    made: list[int] = []
    slow = Contender(made.append, [(n,) for n in range(60)])
    in_turns([slow], rounds=2, budget_s=0)
    assert made == [0, 1, 2, 30, 31, 32]
    assert all(seconds > 0 for seconds in slow.seconds)
