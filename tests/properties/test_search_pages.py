"""Searching a log at work: page by page exactly what a look at each record finds, at one size."""

import json
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from policyd.search.language import parse
from policyd.search.matching import matches
from policyd.search.query import Query
from tests.properties.logged import LEVELS, START, TEXTS, Drawing
from tests.properties.queried import Asking
from tests.small_log import WIDTH, Asker, SmallLog

NOW = START + timedelta(days=40)
SIZE = 5 * WIDTH
QUERIES = 12


class Working:
    """A log that goes on while it is searched: it grows, is sealed, and leaves the file."""

    def __init__(self, small: SmallLog, coming: list[bytes], random: Random) -> None:
        self.small = small
        self._coming = coming
        self._random = random
        self._forgotten = 0

    def go_on(self) -> None:
        """Something happens to the log, or nothing."""
        what = self._random.randrange(5)
        if what == 0:
            self.small.seal()
        elif what == 1 and self._forgotten < len(self.small.shelf.numbers()) - 2:
            self.small.forget(self._forgotten)
            self._forgotten += 1
        elif self._coming:
            count = self._random.randrange(1, 90)
            self.small.put(self._coming[:count])
            del self._coming[:count]


def filtered(leaves: list[bytes], query: Query) -> list[int]:
    """What a look at each record finds, newest first."""
    records = [json.loads(leaf) for leaf in leaves]
    reports = [each for each in records if each["kind"] == "outcome" and "index" in each]
    outcomes = {each["index"]: each["status"] for each in reports}
    return [
        index
        for index, each in reversed([*enumerate(records)])
        if matches(query, each, index=index, outcome=outcomes.get(index))
    ]


def prepared(asker: Asker, random: Random) -> None:
    """Have some of what is not known of the segments found out, or all, or nothing."""
    for _ in range(random.choice([0, 1, SIZE])):
        if not asker.answering.prepare():
            break


def paged(asker: Asker, text: str, working: Working, random: Random) -> tuple[int, list[int]]:
    """The size that was asked about, and what all pages have, whatever happens in between."""
    size, newest_first = len(working.small.leaves), random.random() < 0.5
    limit = random.choice([1, 3, 20, 200, 5000])
    said = {"size": size, "newest_first": newest_first, "now": f"{NOW:%Y-%m-%dT%H:%M:%S}Z"}
    found: list[int] = []
    cursor: int | None = None
    for _ in range(size + 2):
        page = asker.page(text, limit, cursor=cursor, **said)
        assert (page.seen.cut, page.seen.lost) == ("", ())
        assert all(leaf == working.small.leaves[seq] for seq, leaf in page.records)
        found += [seq for seq, _ in page.records]
        cursor = page.cursor
        working.go_on()
        prepared(asker, random)
        if cursor is None or len(found) > 60 * limit:
            break
    if cursor is not None:  # enough of small pages: the rest at once
        page = asker.page(text, SIZE, cursor=cursor, **said)
        found += [seq for seq, _ in page.records]
    return size, found if newest_first else found[::-1]


@given(st.integers(0, 2**32))
@settings(max_examples=4, deadline=None)
def test_pages_have_what_a_filter_finds(seed: int) -> None:
    """Each record once, none too many, in order, as of the size at the first page."""
    random = Random(seed)  # noqa: S311 - for tests
    vocabulary = random.sample(TEXTS, 5)
    drawing = Drawing(random, vocabulary)
    coming = drawing.log(SIZE)
    asking = Asking(random, vocabulary, drawing.ids)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        working = Working(SmallLog(Path(folder, "data"), stack), coming, random)
        working.small.put(coming[:300])
        del coming[:300]
        asker = working.small.asker()
        for _ in range(QUERIES):
            text = asking.query()
            size, found = paged(asker, text, working, random)
            query = parse(text, now=NOW, levels=LEVELS)
            assert found == filtered(working.small.leaves[:size], query), query.text
