"""A replay of calls of the sample company, as the page about reviews shows it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from policyd.review.replayed import Wanted, Window
from policyd.review.reviewing import Given, review
from policyd.review.terminal import lines
from tests.unit.review.edited_pairs import Edit, pair
from tests.unit.review.test_replay import CALLS, EMPLOYEES, HEADCOUNT, records, tree

NOW = datetime(2026, 3, 3, tzinfo=UTC)
WINDOW = Window(
    after="2026-02-01T00:00:00.000000Z",
    before="2026-03-03T00:00:00.000000Z",
    first=0,
    end=9,
    pruned_until="2026-02-20T08:00:00.000000Z",
)
CHANGE: Edit = (
    "units/hr/access.yaml",
    "    read: [hris/headcount]\n",
    "    read: [hris/employees]\n",
)
WIDTH = 100


class Calls:
    """What the sample company decided of some calls, of two of them by an older policy."""

    wanted = Wanted(NOW, NOW, 1000, 5)

    def records(self, watch: Callable[[str], None]) -> Iterator[tuple[int, bytes]]:
        """Seven of them."""
        watch("replaying")
        older = tree(("units/hr/access.yaml", "[hris/headcount]", "[hris/org-chart]"))
        before = (leaf for _, leaf in records(older, [HEADCOUNT, EMPLOYEES]))
        log = [leaf.replace(b'"record-', b'"earlier-') for leaf in before]
        log += [leaf for _, leaf in records(tree(), [*CALLS, HEADCOUNT])]
        yield from enumerate(log)

    def window(self) -> Window:
        """Part of it was pruned."""
        return WINDOW


def told() -> str:
    """The part of the review that is about calls."""
    found = review(pair(CHANGE), Given(now=NOW, past=Calls()))
    text = [each.text for each in lines(found, WIDTH)]
    start = next(at for at, line in enumerate(text) if line.startswith("  replay "))
    rows = text.index("replay")
    parts = text[start : text.index("", start) + 1], text[rows : text.index("", rows)]
    return "\n".join(["```", *parts[0], *parts[1], "```"])


if __name__ == "__main__":
    print(told())  # noqa: T201 - to be looked at
