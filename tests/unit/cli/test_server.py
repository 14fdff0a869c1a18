"""Which server is asked, and with what key."""

import pytest

from policyd.cli.server import Server
from policyd.model.errors import UsageError

SECRET = "pd_abcdefgh_" + "A" * 43


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8321", "http://127.0.0.1:8321"),
        ("http://localhost:8321/", "http://localhost:8321"),
        ("http://[::1]:8321", "http://[::1]:8321"),
        ("https://policyd.example.com", "https://policyd.example.com"),
        ("https://example.com/policyd/", "https://example.com/policyd"),
    ],
)
def test_a_server_is_a_url_with_a_key(url: str, base: str) -> None:
    """A key goes to another machine encrypted, and to this one as it is."""
    assert Server.at(url, {"POLICYD_KEY": f" {SECRET}\n"}) == Server(base, SECRET)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://policyd.example.com", "url-unencrypted"),
        ("http://127.0.0.1.example.com", "url-unencrypted"),
        ("http://10.0.0.7:8321", "url-unencrypted"),
        ("127.0.0.1:8321", "url-invalid"),
        ("policyd.example.com", "url-invalid"),
        ("", "url-invalid"),
        ("ftp://localhost", "url-invalid"),
        ("https://", "url-invalid"),
        ("HTTP://10.0.0.7", "url-unencrypted"),
        ("https://a:b@example.com", "url-invalid"),
        ("https://example.com?key=x", "url-invalid"),
        ("https://example.com#x", "url-invalid"),
        ("http://[::1", "url-invalid"),
        ("https://example.com:http", "url-invalid"),
        ("https://example.com:99999", "url-invalid"),
    ],
)
def test_a_key_goes_nowhere_else(url: str, code: str) -> None:
    """What is no server's URL, or would show the key on the way, is refused with the way out."""
    with pytest.raises(UsageError, match=r"write it like http://|use https") as refused:
        Server.at(url, {"POLICYD_KEY": SECRET})
    assert refused.value.code == code
    assert "a:b" not in refused.value.message


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "key-missing"),
        ({"POLICYD_KEY": ""}, "key-missing"),
        ({"POLICYD_KEY": " \n"}, "key-missing"),
        ({"POLICYD_KEY": "pd_äbc"}, "key-invalid"),
        ({"POLICYD_KEY": f"{SECRET}\r\nX-Evil: 1"}, "key-invalid"),
    ],
)
def test_a_key_is_needed(environment: dict[str, str], code: str) -> None:
    """A missing key, or what cannot be one, is told by the variable's name, never by its value."""
    with pytest.raises(UsageError, match="POLICYD_KEY") as refused:
        Server.at("https://policyd.example.com", environment)
    assert refused.value.code == code
    assert "pd_" not in refused.value.message
