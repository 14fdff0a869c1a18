"""The plot is well-formed, and everything on it can be read."""

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks.plot import HEIGHT, WIDTH, cost, svg

SVG = "{http://www.w3.org/2000/svg}"
LINES = {
    "one & only": [(100.0, 3.0), (100_000.0, 4.0)],
    "another": [(100.0, 3.1), (100_000.0, 4.1)],
    "slow": [(100.0, 500.0), (1_000.0, 5_000.0)],
}


def drawn(lines: dict[str, list[tuple[float, float]]]) -> ET.Element:
    """The plot, parsed."""
    return ET.fromstring(svg("Title <1>", "subtitle", lines))  # noqa: S314 - it is our own


def test_it_is_well_formed_and_told() -> None:
    """Names may have any character, and who cannot see the plot is told what it shows."""
    root = drawn(LINES)
    described = root.findtext(f"{SVG}desc") or ""
    assert root.findtext(f"{SVG}title") == "Title <1>"
    assert all(name in described for name in LINES)


def test_every_point_is_on_the_paper() -> None:
    """No point of a line lies outside."""
    circles = list(drawn(LINES).iter(f"{SVG}circle"))
    assert len(circles) == 6
    for circle in circles:
        assert 0 < float(circle.attrib["cx"]) < WIDTH
        assert 0 < float(circle.attrib["cy"]) < HEIGHT


def test_more_costs_more_height() -> None:
    """Cost grows upwards and rules to the right."""
    (first, last) = [
        (float(each.attrib["cx"]), float(each.attrib["cy"]))
        for each in drawn({"slow": LINES["slow"]}).iter(f"{SVG}circle")
    ]
    assert first[0] < last[0]
    assert first[1] > last[1]


def test_names_lie_apart() -> None:
    """Lines that end at nearly the same cost have names that can still be read."""
    names = [e for e in drawn(LINES).iter(f"{SVG}text") if "name" in e.attrib["class"]]
    heights = sorted(float(each.attrib["y"]) for each in names)
    assert len(heights) == 3
    assert all(lower - upper >= 16 for upper, lower in pairwise(heights))


def test_who_was_not_measured_is_not_drawn() -> None:
    """A line without points does not spoil the plot."""
    assert len(list(drawn(LINES | {"absent": []}).iter(f"{SVG}polyline"))) == 3


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0.84, "0.84 µs"), (9.96, "10 µs"), (433.0, "433 µs"), (43_210.0, "43 ms"), (2e6, "2 s")],
)
def test_costs_are_said_in_fitting_units(microseconds: float, text: str) -> None:
    """Nobody reads five digits."""
    assert cost(microseconds) == text
