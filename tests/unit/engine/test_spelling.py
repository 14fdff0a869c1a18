"""What became of a URL, step by step."""

from pathlib import Path

import pytest
import yaml

from policyd.engine.destination import canonical
from policyd.engine.spelling import Change, changes, is_address

TRICKS = Path(__file__).parents[2] / "cases/destinations"


@pytest.mark.parametrize(
    ("sent", "steps"),
    [
        ("https://crm.example/v3", []),
        ("https://crm.example:8443/v3", []),
        ("https://[2001:db8::1]:8443/", []),
        ("https://crm.example", [("empty-path", "", "/")]),
        ("https://crm.example?page=2", [("empty-path", "", "/")]),
        ("https://crm.example/v3?page=2", []),
        ("HTTPS://crm.example/", [("case", "HTTPS", "https")]),
        ("https://CRM.Example/", [("case", "CRM.Example", "crm.example")]),
        ("https://crm.example./", [("trailing-dot", "crm.example.", "crm.example")]),
        ("https://crm.example\u3002/", [("trailing-dot", "crm.example\u3002", "crm.example")]),
        ("https://crm.example:443/", [("default-port", ":443", "")]),
        ("sftp://in.example:22/", [("default-port", ":22", "")]),
        ("sftp://in.example:443/", []),
        ("https://bücher.example/", [("idna", "bücher.example", "xn--bcher-kva.example")]),
        ("https://crm\u3002example/", [("idna", "crm\u3002example", "crm.example")]),
        ("https://１０.0.0.1/", [("ip-address", "１０.0.0.1", "10.0.0.1")]),
        ("https://[::ffff:10.0.0.1]/", [("ip-address", "[::ffff:10.0.0.1]", "10.0.0.1")]),
        ("https://[2001:db8:0::1]/", [("ip-address", "[2001:db8:0::1]", "[2001:db8::1]")]),
        ("https://crm.example/%7Ejo", [("percent-encoding", "/%7Ejo", "/~jo")]),
        ("https://crm.example/ä%c3", [("percent-encoding", "/ä%c3", "/%C3%A4%C3")]),
        (
            "https://BÜCHER.example.:443",
            [
                ("case", "BÜCHER.example.", "bücher.example."),
                ("trailing-dot", "bücher.example.", "bücher.example"),
                ("idna", "bücher.example", "xn--bcher-kva.example"),
                ("default-port", ":443", ""),
                ("empty-path", "", "/"),
            ],
        ),
    ],
)
def test_each_step_is_told(sent: str, steps: list[tuple[str, str, str]]) -> None:
    """A part that is spelt in another way is told, with what it was and what it became."""
    assert changes(sent, canonical(sent)) == tuple(Change(*each) for each in steps)


def accepted() -> list[str]:
    """The URLs of the collected tricks that can be read."""
    files = [path.read_text("utf-8") for path in sorted(TRICKS.glob("*.yaml"))]
    cases = [case for text in files for case in yaml.safe_load(text)]
    return [case["url"] for case in cases if "refused" not in case]


@pytest.mark.parametrize("sent", accepted(), ids=ascii)
def test_no_step_is_left_out(sent: str) -> None:
    """There are no changes exactly if the URL was in its one spelling, but for the query."""
    url = canonical(sent)
    assert (changes(sent, url) == ()) == (sent.partition("?")[0] == str(url))


def test_addresses_are_told_from_names() -> None:
    """An IPv6 address is one with its brackets, too."""
    assert [is_address(each) for each in ("10.0.0.1", "::1", "[::1]", "crm.example")] == [
        *(True, True, True),
        False,
    ]
