"""The soak counts, stops, says what went wrong, and can bring it back."""

from collections.abc import Iterator

import pytest

from tests.properties.casbin.case import Case
from tests.properties.casbin.comparing import Compared
from tests.properties.casbin.shrinking import shrink
from tests.properties.casbin.soak import Soak, main, numbered_case

Output = pytest.CaptureFixture[str]


def _dislikes_denials(case: Case) -> Iterator[Compared]:
    """As if a policy with a `deny` were always decided wrongly."""
    is_wrong = any("deny" in line for line in case.lines)
    for question in case.questions:
        yield Compared(question, (True, []), (not is_wrong, []))


def test_a_clean_run(capsys: Output) -> None:
    """Seed and counts are said, and the exit code is 0."""
    assert main(["--cases", "25", "--seed", "5"]) == 0
    printed, said = capsys.readouterr()
    assert said == "soak: seed 5, 25 cases\n"
    assert printed.startswith("seed 5: 25 cases in ")
    assert " questions\n" in printed
    assert printed.endswith(" 0 cases with unexplained differences\n")


def test_a_difference_is_shown_and_can_be_replayed(capsys: Output) -> None:
    """The exit code is 1; the least case that differs is shown, with the command for the whole."""
    assert Soak(5, 1000, _dislikes_denials).run() == 1
    printed, said = capsys.readouterr()
    number = said.split("soak: case ")[1].split()[0]
    assert f"differs: ./run soak --seed 5 --case {number}\n" in said
    shown = printed.split("[request_definition]")[1]
    assert sum(line.startswith("p") and "deny" in line for line in shown.splitlines()) == 1
    assert "UNEXPLAINED" in shown
    assert " 5 cases with unexplained differences" in printed


def test_one_case_alone(capsys: Output) -> None:
    """A case is the same every time, whatever came before it."""
    assert main(["--seed", "5", "--case", "9"]) == 0
    printed, _ = capsys.readouterr()
    assert str(numbered_case(5, 9)) in printed
    assert str(numbered_case(5, 9)) != str(numbered_case(6, 9))


@pytest.mark.parametrize("value", ["-1", "many", "1.5"])
def test_misuse_is_explained(capsys: Output, value: str) -> None:
    """A count that is none ends with exit code 2."""
    with pytest.raises(SystemExit) as caught:
        main(["--cases", value])
    assert caught.value.code == 2
    assert "not a whole number" in capsys.readouterr().err or value == "-1"


def test_shrinking_keeps_what_matters() -> None:
    """Of a case that goes wrong because of one line, that line is left."""
    case = next(
        each
        for each in (numbered_case(1, number) for number in range(100))
        if sum("deny" in line for line in each.lines) > 1
    )
    least = shrink(case, lambda each: any("deny" in line for line in each.lines))
    assert len(least.lines) == 1
    assert (least.questions, least.setup) == ((), ())
