"""Layout: what is printed fits, and says in signs what colours say."""

import pytest

from policyd.cli.found import cells, moment, say_facets
from policyd.cli.layout import bar, pieces, say_members, say_rows, say_text, width
from policyd.cli.pointing import window


@pytest.mark.parametrize(
    ("parts", "most", "room", "made"),
    [
        ([6, 2], 16, 8, "###="),
        ([16], 16, 8, "########"),
        ([1, 0], 1000, 8, "#"),
        ([0, 1], 1000, 8, "="),
        ([998, 1, 1], 1000, 8, "########"),
        ([], 0, 8, ""),
        ([0], 0, 8, ""),
        ([5], 5, 0, "#"),
    ],
)
def test_a_bar_is_to_scale(parts: list[int], most: int, room: int, made: str) -> None:
    """Parts have their share of the room; the smallest still shows, and nothing is too long."""
    assert bar(parts, most, room, "#=-.") == made


@pytest.mark.parametrize(
    ("query", "column", "length", "room", "shown"),
    [
        ("unit:hr decison:deny", 9, 8, 40, ("unit:hr decison:deny", 8, 8)),
        ("unit:hr AND", 12, 1, 40, ("unit:hr AND", 11, 1)),
        ("x" * 50 + "!" + "y" * 50, 51, 1, 20, ("…xxxxx!yyyyyyyyyyyy…", 6, 1)),
        ("!" + "y" * 50, 1, 1, 20, ("!" + "y" * 18 + "…", 0, 1)),
        ("x" * 50 + "!", 51, 1, 20, ("…" + "x" * 18 + "!", 19, 1)),
        ("x" * 50, 51, 1, 20, ("…" + "x" * 19, 20, 1)),
        ("x" * 30 + "!" * 30, 31, 30, 20, ("…xxxxx!!!!!!!!!!!!!…", 6, 14)),
        ("", 1, 1, 20, ("", 0, 1)),
        ("日本 x", 4, 1, 20, ("日本 x", 5, 1)),
        ("a\nb", 3, 1, 20, ("a�b", 2, 1)),
    ],
)
def test_a_place_is_in_the_window(
    query: str, column: int, length: int, room: int, shown: tuple[str, int, int]
) -> None:
    """Carets stand under what is wrong, whatever part of the query is shown."""
    assert window(query, column, length, room) == shown


@pytest.mark.parametrize("columns", [40, 41, 57, 80, 133])
def test_rows_fit(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows, members and sentences stay within the terminal, and keep every character."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert width() == columns
    row = ["1", "2026-11-21 10:00:00", "x" * 60, "", "a b c " * 12]
    say_rows(("INDEX", "TIME", "WHO", "DATA", "WHY"), [row])
    say_members([("call.destination.canonical", "https://x.example/" + "z" * 60), ("v", "1")])
    say_text("word " * 30)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= columns
    assert printed.count("x") == 60 + 2  # those of x.example
    assert printed.count("z") == 60
    assert printed.count("word") == 30


def test_rows_for_programs_stay_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a pipe each row is one line; without rows there is nothing."""
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width() is None
    say_rows(("A", "B"), [("x" * 200, "\x1b[31m")])
    assert capsys.readouterr().out.splitlines() == [f"A{' ' * 199}  B", f"{'x' * 200}  �[31m"]
    say_rows(("A", "B"), [])
    say_text("word " * 40)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_long_names_have_lines_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bars of one field have one scale, also where a name leaves no room beside it."""
    monkeypatch.setenv("COLUMNS", "40")
    counts = [{"value": "n" * 35, "records": 10}, {"value": "short", "records": 5}]
    facet = {"field": "unit", "counts": counts, "other_values": 0, "without": 0}
    say_facets({"records": 15, "facets": [facet]})
    lines = capsys.readouterr().out.splitlines()
    bars = [line.count(line[-1]) for line in lines if line.strip()[:2] in ("10", " 5", "5 ")]
    assert bars[0] == 2 * bars[1]
    assert max(map(len, lines)) <= 40


def test_pieces_keep_words() -> None:
    """A text is broken between words, and inside one only if it is longer than a line."""
    assert pieces("one two three", 8) == ["one two", "three"]
    assert pieces("abcdefgh", 3) == ["abc", "def", "gh"]


def test_times_are_short() -> None:
    """A time is shown to the second."""
    assert moment("2026-11-20T10:00:00.000001Z") == "2026-11-20 10:00:00"


def test_what_is_counted_has_cells() -> None:
    """Each answer that counts has a head, and rows as wide as that."""
    ends = {"source": {"kind": "system", "name": "crm"}, "target": {"kind": "host", "name": "x"}}
    numbers = dict.fromkeys(("allowed", "denied", "rows", "bytes", "example", "step"), 1)
    flow = ends | numbers | {"level": None, "categories": ["a"], "first": "f", "last": "l"}
    head, rows = cells({"flows": [flow]}, "flows")
    assert [list(row) for row in rows] == [
        [1, "system", "crm", "host", "x", None, ["a"], 1, 1, 1, 1, "f", "l", 1]
    ]
    assert len(head) == 14
