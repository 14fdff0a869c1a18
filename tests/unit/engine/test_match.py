"""Looking up a URL: what it becomes, what takes it, and that a check says the same."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from policyd.engine.decide import Engine
from policyd.engine.match import MAX_NEAR, Match, match, private_addresses
from policyd.model.call import Call, Entity
from policyd.model.facts import Facts
from policyd.model.rules import EVERYONE
from policyd.model.snapshot import Snapshot
from tests.unit.engine.conftest import NOON, place

NOBODY = Entity(EVERYONE, EVERYONE)


def look_up(company: Snapshot, endpoint: str, who: str | None = None, **parts: Any) -> Match:  # noqa: ANN401 - fields of any type
    """What is found for an endpoint; *who* is the id of an integration."""
    subject = Entity("integration", who) if who else NOBODY
    call = Call(subject, "match", Entity("destination", "match"), endpoint=endpoint, **parts)
    return match(Engine(company), call, NOON)


def codes(found: Match) -> list[str]:
    """The codes of its reasons."""
    return [each.code for each in found.reasons]


def test_an_entry_that_takes_it(company: Snapshot) -> None:
    """A URL at a listed host is taken by its entry, and nothing is in the way."""
    found = look_up(company, "https://CRM.example/v3", "sales/sync", method="POST")
    assert str(found.url) == "https://crm.example/v3"
    assert [each.step for each in found.changes] == ["case"]
    assert found.destination == company.destinations["crm"]
    assert (found.reasons, found.near, found.more) == ((), (), 0)


def test_a_connection_is_a_step(company: Snapshot) -> None:
    """A connection becomes the URL that it stands for, with the path below it."""
    found = look_up(company, "crm/api", path="contacts")
    assert str(found.url) == "https://crm.example/v3/contacts"
    assert found.changes == (("connection", "crm/api", "https://crm.example/v3/contacts"),)


@pytest.mark.parametrize(
    ("who", "method", "says", "fails"),
    [
        (None, None, [], None),
        (None, "POST", [], None),
        ("sales/bank", None, [], None),
        ("sales/bank", "POST", [], None),
        (None, "GET", ["method-not-allowlisted"], ("method",)),
        ("sales/sync", None, ["destination-not-allowlisted"], ("who",)),
        (
            *("sales/sync", "GET"),
            ["destination-not-allowlisted", "method-not-allowlisted"],
            ("method", "who"),
        ),
        (
            *("sales/nobody", "POST"),
            ["integration-unregistered", "destination-not-allowlisted"],
            ("who",),
        ),
    ],
)
def test_who_and_how(
    company: Snapshot,
    who: str | None,
    method: str | None,
    says: list[str],
    fails: tuple[str, ...] | None,
) -> None:
    """Method and subject are judged if they are said; an entry that fails them is a near one."""
    found = look_up(company, "https://bank.example/", who, method=method)
    assert codes(found) == says
    assert found.destination == (None if fails else company.destinations["bank"])
    assert [each.fails for each in found.near] == ([fails] if fails else [])


def test_one_that_nobody_registered_is_taken_nowhere(company: Snapshot) -> None:
    """An entry for every integration is none for an unknown one."""
    found = look_up(company, "https://crm.example/", "sales/nobody")
    assert (codes(found), found.destination) == (["integration-unregistered"], None)


@pytest.mark.parametrize(
    ("endpoint", "problem"),
    [
        ("https://user@crm.example/", "user name"),
        ("https://crm.example/../x", "segment"),
        ("crm.example", "neither a connection name nor an absolute URL"),
        ("no/where", "neither a connection name nor an absolute URL"),
    ],
)
def test_what_cannot_be_read(company: Snapshot, endpoint: str, problem: str) -> None:
    """What a check could not read is told in its words; there is nothing to be near to."""
    found = look_up(company, endpoint)
    (reason,) = found.reasons
    assert (reason.code, problem in reason.message) == ("endpoint-unreadable", True)
    assert (found.url, found.changes, found.destination) == (None, (), None)
    assert (found.near, found.more) == ((), 0)


def test_what_is_listed_nowhere(company: Snapshot) -> None:
    """A URL on no list is told so for everybody, or for the one that was asked about."""
    for who in (None, "sales/sync"):
        found = look_up(company, "https://nowhere.test/", who)
        assert codes(found) == ["destination-not-allowlisted"]
        assert f"`{who or EVERYONE}`" in found.reasons[0].message
        assert (found.destination, found.near) == (None, ())


def test_near_ones_are_counted_beyond_a_number(company: Snapshot) -> None:
    """So many are named, and the rest is a number."""
    many = {f"p{n:02}": place(f"p{n:02}", "open") for n in range(MAX_NEAR + 3)}
    like = {
        name: replace(each, hosts=frozenset({f"{name}.mine.test"})) for name, each in many.items()
    }
    found = look_up(replace(company, destinations=like), "https://other.mine.test/")
    assert [each.destination.name for each in found.near] == sorted(like)[:MAX_NEAR]
    assert found.more == 3


@pytest.mark.parametrize("who", ["sales/sync", "sales/bank", "hr/report"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("crm/api", "x"),
        ("https://bank.example/", None),
        ("https://bank.example:8443/", None),
        ("https://www.nowhere.test/", None),
        ("https://crm.example/", "a/../b"),
        ("https://crm.example/?x=1", "a"),
        ("nonsense", None),
    ],
)
def test_a_check_says_the_same(
    company: Snapshot, who: str, method: str, endpoint: str, path: str | None
) -> None:
    """What a look-up says of a place is, word for word, what a check there says of it."""
    engine = Engine(company)
    call = Call(
        Entity("integration", who),
        "send",
        Entity("dataset", "erp/stock"),
        endpoint=endpoint,
        path=path,
        method=method,
    )
    asked = engine.open(call, NOON)
    reasons = engine.judge(asked, Facts(NOON)).reasons
    said = [each for each in reasons if each.check == "destination"]
    found = look_up(company, endpoint, who, method=method, path=path)
    assert list(found.reasons) == said
    assert found.url == asked.asked.endpoint.url
    assert found.destination == (None if said else asked.asked.endpoint.destination)


@pytest.mark.parametrize(
    ("hosts", "networks", "private"),
    [
        (["crm.example"], [], []),
        (["crm.example", "8.8.8.8"], ["9.0.0.0/8", "2600::/32"], []),
        (
            *(["192.168.1.7"], ["10.20.0.0/16", "fd00:20::/32"]),
            ["10.20.0.0/16", "192.168.1.7", "fd00:20::/32"],
        ),
        ([], ["160.0.0.0/3", "172.0.0.0/8"], ["160.0.0.0/3", "172.0.0.0/8"]),
        (["127.0.0.1", "::1", "169.254.169.254"], [], ["127.0.0.1", "169.254.169.254", "::1"]),
    ],
)
def test_private_addresses_are_those_listed(
    hosts: list[str], networks: list[str], private: list[str]
) -> None:
    """Only addresses that the entry names, and that are or include private ones."""
    entry = place(
        *("x", "open"),
        hosts=frozenset(hosts),
        networks=tuple(ip_network(each) for each in networks),
    )
    assert list(private_addresses(entry)) == private
