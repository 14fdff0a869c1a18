"""Policy files as text: plain YAML 1.2, positions of everything, bombs refused."""

import pytest

from policyd.policy.documents import MAX_BYTES, MAX_DEPTH, Document, read
from policyd.policy.scalars import plain


def document(text: str) -> Document:
    """The document of a text without findings."""
    found, findings = read("a.yaml", text.encode())
    assert findings == []
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("on", "on"),
        ("07:00", "07:00"),
        ("1:30:00", "1:30:00"),
        ("2026-03-27", "2026-03-27"),
        ("2026-03-27T18:00", "2026-03-27T18:00"),
        ("10.20.0.0/16", "10.20.0.0/16"),
        ("+", "+"),
        (".", "."),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-7", -7),
        ("010", 10),
        ("0o17", 15),
        ("0xFF", 255),
        ("1.5", 1.5),
        (".5e3", 500.0),
        ("-.inf", float("-inf")),
        ("123456789012345678901", 123456789012345678901.0),
        ("~", None),
        ("null", None),
        ("", None),
    ],
)
def test_an_unquoted_word_is_what_yaml_1_2_says(text: str, value: object) -> None:
    """`no` is text, so are dates and times; numbers and booleans are themselves."""
    assert plain(text) == value
    assert type(plain(text)) is type(value)


def test_not_a_number_is_a_number() -> None:
    """`.nan` is a float, which no policy file takes."""
    assert isinstance(plain(".nan"), float)


def test_quoted_words_are_text() -> None:
    """Quotes make text of everything."""
    assert document("a: 'true'\nb: \"1\"\nc: |\n  12\n").data == {
        "a": "true",
        "b": "1",
        "c": "12\n",
    }


def test_every_key_and_value_has_its_place() -> None:
    """A finding can point at a key, at its value, and into a list."""
    found = document("# a comment\nrules:\n  one: {who: [x, yy]}\n")
    places = [
        found.place(()),
        found.place(("rules",), key=True),
        found.place(("rules", "one"), key=True),
        found.place(("rules", "one")),
        found.place(("rules", "one", "who"), key=True),
        found.place(("rules", "one", "who", 1)),
        found.place(("rules", "one", "nothing")),
        found.place(("rules", "one", "nothing"), key=True),
    ]
    assert [(each.line, each.column) for each in places] == [
        (1, 1),
        (2, 1),
        (3, 3),
        (3, 8),
        (3, 9),
        (3, 18),
        (3, 8),
        (3, 8),
    ]


def test_columns_count_characters_not_bytes() -> None:
    """An editor jumps to the right column behind an umlaut."""
    assert document("ä: {b: c}").place(("ä", "b"), key=True).column == 5


def test_a_byte_order_mark_at_the_start_is_no_character() -> None:
    """Files from editors that write one are read like others."""
    assert document("\ufeffa: b").place(("a",), key=True).column == 1


def test_windows_line_ends_are_line_ends() -> None:
    """A file may come from Windows."""
    found = document("a: b\r\nc: d\r\n")
    assert found.data == {"a": "b", "c": "d"}
    assert found.place(("c",)).line == 2


def test_the_deepest_nesting_that_is_read() -> None:
    """One level less than too deep is fine."""
    assert document("[" * MAX_DEPTH + "]" * MAX_DEPTH).is_usable


def test_the_largest_file_that_is_read() -> None:
    """The bound itself is within it."""
    text = "a: b\n".ljust(MAX_BYTES, "#")
    assert read("a.yaml", text.encode())[0].is_usable
    assert not read("a.yaml", text.encode() + b"#")[0].is_usable


def test_a_picture_by_mistake_has_a_bounded_number_of_findings() -> None:
    """A binary file does not become a million findings."""
    assert len(read("a.yaml", b"\0" * 100_000)[1]) == 20


def test_a_repeated_key_keeps_its_first_value() -> None:
    """The finding is enough; the rest of the file is still read."""
    found, findings = read("a.yaml", b"a: 1\na: {b: [2]}\nc: 3\n")
    assert found.data == {"a": 1, "c": 3}
    assert [each.code for each in findings] == ["duplicate-key"]


def test_an_alias_as_a_key_is_refused_without_losing_the_rest() -> None:
    """Keys are never taken from elsewhere."""
    found, findings = read("a.yaml", b"a: &x b\n*x : c\nd: e\n")
    assert found.data == {"a": "b", "d": "e"}
    assert [(each.line, each.code) for each in findings] == [
        (1, "yaml-feature"),
        (2, "yaml-feature"),
    ]
