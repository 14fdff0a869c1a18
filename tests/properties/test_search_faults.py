"""The comparison of search with a plain filter sees faults: each of these is found by it."""

from collections.abc import Callable, Mapping

from policyd.search.query import Query
from policyd.search.sql import Where, where
from tests.properties.test_search import drawn, filtered, found_by, read, sealed

FAULTS: Mapping[str, tuple[str, str]] = {
    "nulls under a not": ("not coalesce(", "not ("),
    "a bound of a time": ("ts >=", "ts >"),
    "a bound of a number": ("rows <", "rows <="),
    "sources forgotten": ("list_contains(sources", "list_contains(fields"),
    "endpoint as it was sent forgotten": ("sent", "zone"),
    "addresses as texts": ("address_key", "address"),
    "missing also of what was denied": ("decision = 'allow' and ", ""),
    "the trace alone forgotten": ("trace_id", "traceparent"),
    "outcomes of a decision forgotten": ("decision_id", "id"),
    "ids of no time": ("ts < $q2 and (id", "ts < least($q1, $q2) and (id"),
    "levels upside down": ("not list_contains($q", "list_contains($q"),
    "all for any": (" or ", " and "),
    "any for all": (" and ", " or "),
}
SEEDS = 60


def faulty(fault: tuple[str, str]) -> Callable[[Query], Where]:
    """A compiler that makes this fault."""

    def made(query: Query) -> Where:
        good = where(query)
        text = good.text.replace(*fault)
        if fault[1].endswith("("):
            text = text.replace(", false)", ")")
        return Where(text, good.parameters, good.asks_outcomes)

    return made


def test_every_fault_is_found() -> None:
    """Within the logs and queries that are drawn, each fault gives a wrong answer."""
    hidden = dict(FAULTS)
    for seed in range(SEEDS):
        if not hidden:
            break
        leaves, asked = drawn(seed)
        with sealed(leaves) as db:
            for text in asked:
                query = read(text)
                right = filtered(leaves, query)
                for name, fault in list(hidden.items()):
                    wrong = faulty(fault)(query)
                    if wrong != where(query) and found_by(db, wrong) != right:
                        del hidden[name]
    assert hidden == {}
