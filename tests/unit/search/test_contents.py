"""Contents: segments without anything that is asked for are not read, and nothing is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policyd.search.asking import Bounds
from policyd.search.contents import COLUMNS, MOST, Pool, contents_of
from policyd.search.database import Broken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.small_log import Asker, SmallLog


class Watched:
    """Tells which segments the questions of *asker* read, once it is prepared."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.read: set[int] = set()
        while asker.answering.prepare():
            pass
        self._relation = asker.log._relation  # noqa: SLF001 - the files of a statement
        asker.log._relation = self._watch  # type: ignore[method-assign]  # noqa: SLF001

    def _watch(self, records: range, good: Sequence[int], *, has_tail: bool) -> str:
        self.read.update(good)
        return self._relation(records, good, has_tail=has_tail)


# Records are a second apart from 12:00 on; a segment has 256 of them.
@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", {0, 1, 2, 3}),
        ("unit:sales", {0, 1, 2, 3}),
        ("unit:nobody", set()),
        ("unit:nobody OR unit:sales", {0, 1, 2, 3}),
        ("unit:nobody action:send", set()),
        ("-unit:nobody", {0, 1, 2, 3}),
        ("unit:no*", set()),
        ("unit:*les", {0, 1, 2, 3}),
        ("unit:*less", set()),
        ("template:*", set()),
        ("reason:label-too-high", {0, 1, 2, 3}),
        ("reason:none-such", set()),
        ("category:personal", {0, 1, 2, 3}),
        ("label:health", set()),
        ("label>=confidential", {0, 1, 2, 3}),
        ("status:ok", set()),
        ("index:255", {0}),
        ("index:256", {1}),
        ("index:200..300", {0, 1}),
        ("index>=768", {3}),
        ("index>767", {3}),
        ("index<=256", {0, 1}),
        ("index<256", {0}),
        ("before:2026-03-01T12:04:16Z", {0}),
        ("after:2026-03-01T12:12:48Z", {3}),
        ("time:2026-02-28", set()),
        ("rows:700", {0, 1, 2, 3}),
        ('"payslips"', {0, 1, 2, 3}),
        ("id:01938f6e-27a1-7c7e-8f4e-0123456789ab", {0, 1, 2, 3}),
    ],
)
def test_what_is_read(filled: SmallLog, text: str, read: set[int]) -> None:
    """Of four segments, those that may have some of it; the answer is as if all were read."""
    watched = Watched(filled.asker())
    assert watched.asker.numbers(text) == filled.asker().numbers(text)
    assert watched.read == read


@pytest.mark.parametrize(
    ("scope", "read"),
    [
        ({"after": "2026-03-01T12:12:48Z"}, {3}),
        ({"before": "2026-03-01T13:04:16+01:00"}, {0}),
        ({"bounds": Bounds(("sales",), ())}, {0, 1, 2, 3}),
        ({"bounds": Bounds(("nobody",), ())}, set()),
        ({"bounds": Bounds((), ("sales/flow-0",))}, {0, 1, 2, 3}),
        ({"bounds": Bounds((), ("sales/flow-9",))}, set()),
    ],
)
def test_bounds_of_a_question(filled: SmallLog, scope: dict[str, Any], read: set[int]) -> None:
    """What the asker may not see, or does not ask about, is not read either."""
    watched = Watched(filled.asker())
    assert watched.asker.numbers(**scope) == filled.asker().numbers(**scope)
    assert watched.read == read


def test_all_of_it_was_looked_at(filled: SmallLog) -> None:
    """A segment that was gone by counts as looked at, a lost one is told."""
    watched = Watched(filled.asker())
    seen = watched.asker.page("unit:nobody").seen
    assert (seen.first, seen.end, seen.lost) == (0, 1100, ())
    filled.shelf.file(1).unlink()
    assert watched.asker.page("unit:nobody").seen.lost == ((256, 512),)


@pytest.mark.parametrize("fails", [True, False])
def test_a_file_that_is_not_what_it_was(filled: SmallLog, *, fails: bool) -> None:
    """Of what cannot be read, or was replaced meanwhile, nothing is known: it is read."""
    asker = filled.asker()
    database = asker.log._database  # noqa: SLF001 - comes between looking and reading
    read: Callable[..., Any] = database.contents

    def spoilt(path: Any) -> Any:  # noqa: ANN401 - as it is
        if path != filled.shelf.file(2):
            return read(path)
        if fails:
            raise Broken("gone")
        path.write_bytes(path.read_bytes())
        return read(filled.shelf.file(0))

    database.contents = spoilt  # type: ignore[method-assign]
    watched = Watched(asker)
    assert watched.asker.numbers("index:600") == [600]
    assert watched.read == {2}
    watched.read.clear()
    assert watched.asker.numbers("unit:nobody") == []
    assert watched.read == {2}


def told(kinds: list[str]) -> tuple[object, ...]:
    """A row about records of these kinds, of which nothing else is told."""
    return (0, 1, None, None, kinds, *[None] * (len(COLUMNS) - 1))


def test_a_column_of_many_values() -> None:
    """Nothing is kept of it, so that all of it may be there."""
    few, many = [f"v{each}" for each in range(MOST)], [f"v{each}" for each in range(MOST + 1)]
    assert len(contents_of(told(few), {}).values["kind"]) == MOST
    assert "kind" not in contents_of(told(many), {}).values


def test_what_segments_have_in_common_is_kept_once() -> None:
    """Mostly it is everything."""
    pool: Pool = {}
    one, two = (contents_of(told(["b", "a"]), pool) for _ in range(2))
    assert one.values["kind"] is two.values["kind"]
