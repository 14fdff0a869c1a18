"""Places: which URLs a decision covers without asking again."""

import pytest

from policyd.client.place import has_secret, place, without_query

COVERED = [
    ("https://a.example/v3/contacts", "https://a.example/v3/contacts"),
    ("https://a.example/v3/", "https://a.example/v3/contacts/7"),
    ("https://a.example/v3", "https://A.Example:443/v3"),
    ("https://a.example/", "https://a.example"),
    ("https://[fd00:20::1]:8443/x", "https://[fd00:20::1]:8443/x"),
]
ELSEWHERE = [
    ("https://a.example/v3/contacts", "https://b.example/v3/contacts"),
    ("https://a.example/v3/contacts", "https://a.example.b.example/v3/contacts"),
    ("https://a.example/v3/contacts", "https://a.example:8443/v3/contacts"),
    ("https://a.example/v3/contacts", "sftp://a.example/v3/contacts"),
    ("https://a.example/v3/contacts", "sftp://a.example:443/v3/contacts"),
    ("https://a.example/v3/contacts", "https://a.example/v3/contacts/7"),
    ("https://a.example/v3/contacts", "https://a.example/v3/Contacts"),
    ("https://a.example/v3/", "https://a.example/v30"),
]


@pytest.mark.parametrize(("decided", "url"), COVERED)
def test_what_a_decision_covers(decided: str, url: str) -> None:
    """The same URL is covered, and whatever is below one that ends in a slash."""
    there, other = place(decided, "POST"), place(url, "post")
    assert there
    assert other
    assert there.covers(other)


@pytest.mark.parametrize(("decided", "url"), ELSEWHERE)
def test_another_place_is_not_covered(decided: str, url: str) -> None:
    """Another host, port, scheme or path is another place."""
    there, other = place(decided, "POST"), place(url, "POST")
    assert there
    assert other
    assert not there.covers(other)


def test_another_method_is_not_covered() -> None:
    """A decision is about one method."""
    there, other = place("https://a.example/", "GET"), place("https://a.example/", "DELETE")
    assert there
    assert other
    assert not there.covers(other)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/v3/../x",
        "https://a.example/v3/..",
        "https://a.example/v3/./x",
        "https://a.example//x",
        "https://a.example/v3/%2e%2e/x",
        "https://a.example/a;p",
        "https://a.example\\@b.example/",
        "https://a.example/\\x",
        "https://u:p@a.example/",
        "https://bücher.example/",
        "https://a%2eexample/",
        "https://0x7f.1/",
        "https://a.example:x/",
        "https://[::1",
        "http://a.example/",
        "/v3/contacts",
        "",
    ],
)
def test_what_is_not_plain_is_never_compared(url: str) -> None:
    """A URL that two programs could read in two ways has no place here: the server judges it."""
    assert place(url, "GET") is None


def test_no_query_leaves() -> None:
    """Query and fragment, which may carry secrets, take no part."""
    assert without_query("https://a.example/x?key=1#top") == "https://a.example/x"
    assert without_query("https://a.example/x#a?b") == "https://a.example/x"


def test_credentials_are_seen() -> None:
    """A user name before the host is found, an `@` in a path is none."""
    assert has_secret("https://u:p@a.example/")
    assert not has_secret("https://a.example/@me")
