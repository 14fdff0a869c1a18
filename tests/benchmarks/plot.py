"""A plot as hand-made SVG: cost against rules, both axes logarithmic, one line for each engine."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, log10
from xml.sax.saxutils import escape

Points = Sequence[tuple[float, float]]
"""Rules and microseconds, both above zero."""

WIDTH, HEIGHT = 860, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 280, 56, 52
_GAP = 17  # between the names of lines, so that they can be read
# Light and dark each have a paper of their own: legible also where nobody says which it is.
_STYLE = """
  .paper{fill:#fff} .ink{fill:#1f2328} .faint{fill:#59636e} .grid{stroke:#d1d9e0}
  .axis{stroke:#59636e}
  .s0{stroke:#0a6b2d} .s1{stroke:#0550ae} .s2{stroke:#bc4c00} .s3{stroke:#8250df}
  .t0{fill:#0a6b2d} .t1{fill:#0550ae} .t2{fill:#bc4c00} .t3{fill:#8250df}
  @media (prefers-color-scheme:dark){
  .paper{fill:#0d1117} .ink{fill:#f0f6fc} .faint{fill:#9198a1} .grid{stroke:#30363d}
  .axis{stroke:#9198a1}
  .s0{stroke:#3fb950} .s1{stroke:#58a6ff} .s2{stroke:#f0883e} .s3{stroke:#bc8cff}
  .t0{fill:#3fb950} .t1{fill:#58a6ff} .t2{fill:#f0883e} .t3{fill:#bc8cff}}
  text{font:13px system-ui,sans-serif} .title{font-size:15px;font-weight:600} .name{font-weight:600}
  polyline{fill:none;stroke-width:2.5} circle{stroke-width:0}
"""
_COLOURS = 4
_SVG = "http://www.w3.org/2000/svg"


class Axes:
    """Where a value lies on the paper."""

    def __init__(self, lines: Mapping[str, Points]) -> None:
        """Whole decades around all points."""
        rules = [x for points in lines.values() for x, _ in points]
        costs = [y for points in lines.values() for _, y in points]
        self.decades_x = (floor(log10(min(rules))), max(1, ceil(log10(max(rules)))))
        self.decades_y = (floor(log10(min(costs))), ceil(log10(max(costs))))

    def x(self, rules: float) -> float:
        """From the left."""
        return _LEFT + _share(rules, self.decades_x) * (WIDTH - _LEFT - _RIGHT)

    def y(self, cost: float) -> float:
        """From the top."""
        return HEIGHT - _BOTTOM - _share(cost, self.decades_y) * (HEIGHT - _TOP - _BOTTOM)


def _share(value: float, decades: tuple[int, int]) -> float:
    low, high = decades
    return (log10(value) - low) / max(1, high - low)


def svg(title: str, subtitle: str, lines: Mapping[str, Points]) -> str:
    """The plot of *lines*, each with at least one point.

    The *subtitle* says when and on what it was measured.
    """
    drawn = {name: sorted(points) for name, points in lines.items() if points}
    axes = Axes(drawn)
    parts = [
        f'<svg xmlns="{_SVG}" viewBox="0 0 {WIDTH} {HEIGHT}" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(_told(drawn))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        f'<text class="ink title" x="{_LEFT}" y="24">{escape(title)}</text>',
        f'<text class="faint" x="{_LEFT}" y="43">{escape(subtitle)}</text>',
        *_grid(axes),
        *_lines(axes, drawn),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _told(lines: Mapping[str, Points]) -> str:
    """The plot in words, for who cannot see it."""
    return "; ".join(
        f"{name}: {cost(points[0][1])} at {points[0][0]:,.0f} rules,"
        f" {cost(points[-1][1])} at {points[-1][0]:,.0f}"
        for name, points in lines.items()
    )


def _grid(axes: Axes) -> Iterator[str]:
    low, high = axes.decades_y
    for decade in range(low, high + 1):
        y = axes.y(10.0**decade)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield (
            f'<text class="faint" x="{_LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">'
            f"{cost(10.0**decade)}</text>"
        )
    bottom = HEIGHT - _BOTTOM
    for decade in range(axes.decades_x[0], axes.decades_x[1] + 1):
        x = axes.x(10.0**decade)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}"/>'
        yield (
            f'<text class="faint" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">'
            f"{10**decade:,}</text>"
        )
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    yield f'<text class="faint" x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">rules</text>'


def _lines(axes: Axes, lines: Mapping[str, Points]) -> Iterator[str]:
    ends = {name: axes.y(points[-1][1]) for name, points in lines.items()}
    names = _apart(ends)
    for number, (name, points) in enumerate(lines.items()):
        colour = number % _COLOURS
        places = [(axes.x(x), axes.y(y)) for x, y in points]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline class="s{colour}" points="{joined}"/>'
        yield from (
            f'<circle class="t{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places
        )
        x, y = WIDTH - _RIGHT + 12, names[name] + 4
        label = escape(f"{name} · {cost(points[-1][1])}")
        yield f'<text class="name t{colour}" x="{x}" y="{y:.1f}">{label}</text>'


def _apart(wanted: Mapping[str, float]) -> dict[str, float]:
    """Heights for names near those *wanted*, none over another."""
    placed: dict[str, float] = {}
    lowest = 0.0
    for name in sorted(wanted, key=lambda each: wanted[each]):
        lowest = placed[name] = max(wanted[name], lowest + _GAP if placed else 0.0)
    return placed


def cost(microseconds: float) -> str:
    """A time as people say it.

    >>> cost(0.8), cost(25.0), cost(43_000.0), cost(1_000_000.0)
    ('0.8 µs', '25 µs', '43 ms', '1 s')
    """
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= size:
            return (
                f"{microseconds / size:.2g} {unit}"
                if microseconds < 100 * size
                else (f"{microseconds / size:.0f} {unit}")
            )
    return f"{microseconds:.2g} µs" if microseconds < 100 else f"{microseconds:.0f} µs"
