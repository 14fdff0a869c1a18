"""Looking up a URL on the destinations: what it becomes, what takes it, what nearly does.

No decision: whether data may go there, and which, is not asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network

from policyd.engine.case import Case
from policyd.engine.checks import check_destination
from policyd.engine.decide import Engine
from policyd.engine.nearness import Near, Request, near
from policyd.engine.resolve import spelt_out
from policyd.engine.spelling import Change, changes, is_address
from policyd.engine.wording import Wording
from policyd.model.call import Call
from policyd.model.decision import Reason
from policyd.model.destinations import CanonicalUrl, Destination
from policyd.model.rules import EVERYONE
from policyd.model.snapshot import Snapshot

MAX_NEAR = 20
"""Near destinations that are named; a company may have thousands below one domain."""

# Addresses of no public place: "this network" (RFC 1122), RFC 1918, shared (RFC 6598), loopback,
# link-local (RFC 3927), and their like in IPv6 (RFC 4291, RFC 4193).
_PRIVATE = tuple(
    ip_network(each)
    for each in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.168.0.0/16", "::/127", "fc00::/7", "fe80::/10"),
    )
)


@dataclass(frozen=True, slots=True)
class Match:
    """What was found.

    Attributes:
        url: The one spelling; None if the endpoint cannot be read in exactly one way.
        changes: The steps to it.
        destination: The entry that takes the request; None if none does.
        reasons: Why none does, in the words of a check.
        near: Entries that nearly do, the nearest first.
        more: How many further ones are near.
    """

    url: CanonicalUrl | None
    changes: tuple[Change, ...]
    destination: Destination | None
    reasons: tuple[Reason, ...]
    near: tuple[Near, ...]
    more: int


def match(engine: Engine, call: Call, now: datetime) -> Match:
    """Look up the endpoint of *call*, for its method and its subject.

    A method that is not said is not judged, nor is a subject of the type `everyone`, which stands
    for nobody in particular. Of action and data nothing is asked.
    """
    snapshot, case = engine.snapshot, engine.open(call, now)
    endpoint, names = case.asked.endpoint, _names(case)
    reasons = tuple(_reasons(Wording(snapshot, case.asked), case, names))
    url = endpoint.url
    found = near(snapshot.destinations.values(), Request(url, call.method, names)) if url else ()
    return Match(
        url=url,
        changes=_changes(snapshot, call, url) if url else (),
        destination=endpoint.destination if not reasons else None,
        reasons=reasons,
        near=found[:MAX_NEAR],
        more=len(found[MAX_NEAR:]),
    )


def private_addresses(place: Destination) -> tuple[str, ...]:
    """The listed addresses of *place* that are, or include, those of no public place.

    A client that is led to any other such address by a name has been led astray.
    """
    listed = {str(each): each for each in place.networks}
    listed |= {each: ip_network(each) for each in place.hosts if is_address(each)}
    return tuple(sorted(text for text, network in listed.items() if _has_private(network)))


def _has_private(network: IPv4Network | IPv6Network) -> bool:
    return any(network.overlaps(each) for each in _PRIVATE)


def _names(case: Case) -> frozenset[str] | None:
    """The names of the subject, none if nobody registered it; None for nobody in particular."""
    who = case.asked.integration
    if case.asked.call.subject.type == EVERYONE:
        return None
    return who.names if who else frozenset()


def _reasons(words: Wording, case: Case, names: frozenset[str] | None) -> Iterator[Reason]:
    """What a check would say of the endpoint, but for what was not asked."""
    asked = case.asked
    if names == frozenset():
        yield words.reason("integration-unregistered")
    place = asked.endpoint.destination
    judged = place.who if place and names is None else names
    for reason in check_destination(words, case, judged or ()):
        if asked.call.method or reason.code != "method-not-allowlisted":
            yield reason


def _changes(snapshot: Snapshot, call: Call, url: CanonicalUrl) -> tuple[Change, ...]:
    """From the endpoint as it was sent to the one spelling of its URL."""
    sent = call.endpoint or ""
    spelt = spelt_out(snapshot, sent, call.path)
    looked_up = (Change("connection", sent, spelt),) if sent in snapshot.connections else ()
    return (*looked_up, *changes(spelt, url))
