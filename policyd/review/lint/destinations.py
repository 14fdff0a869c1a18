"""Lint of destinations: hosts of others, addresses in place of names, places nobody can use."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from policyd.model.destinations import Destination, Zone
from policyd.model.labels import Treatment
from policyd.model.rules import Section
from policyd.model.snapshot import Snapshot
from policyd.policy import layout
from policyd.policy.documents import Path
from policyd.policy.hosts import private_suffixes, suffix_list
from policyd.review.lint.reach import system
from policyd.review.lint.rule import ERROR, INFO, OFF, WARNING, Hit, LintRule
from policyd.review.lint.subject import Subject

Network = IPv4Network | IPv6Network
# Source: the IANA special-purpose address registries, and the clouds' documentation for metadata.
_DANGEROUS = {
    "0.0.0.0/8": "`this network`, which is the client itself",
    "127.0.0.0/8": "the client itself",
    "169.254.0.0/16": "link-local addresses, among them the metadata service of clouds",
    "100.100.100.200/32": "the metadata service of a cloud",
    "192.0.0.192/32": "the metadata service of a cloud",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "addresses that are reserved",
    "::/127": "the client itself",
    "fe80::/10": "link-local addresses",
    "fd00:ec2::254/128": "the metadata service of a cloud",
    "ff00::/8": "multicast",
}
_INNER = tuple(
    ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
_NETWORKS = tuple((ip_network(each), why) for each, why in _DANGEROUS.items())
_INNER_NAMES = (".internal", ".local", ".localhost", ".localdomain", ".home.arpa")


def _hosts(subject: Subject) -> Iterator[tuple[str, Path, str]]:
    """Every host as it is written: its destination, and where it stands."""
    for name, entry in subject.tree.destinations.content.destinations.items():
        for index, host in enumerate(entry.hosts):
            yield name, ("destinations", name, "hosts", index), host


def _hit(subject: Subject, path: Path, message: str, about: str) -> Hit:
    return Hit(subject.place(layout.DESTINATIONS, path), message, about)


def _network(host: str) -> Network | None:
    try:
        return ip_network(host if "/" in host else ip_address(host))
    except ValueError:
        return None


def shared_hosts(subject: Subject) -> Iterator[Hit]:
    """Hosts that someone else hands out to whoever asks first."""
    for name, path, host in _hosts(subject):
        plain = host.removeprefix("*.")
        suffix = _shared_suffix(plain) if _network(host) is None else None
        if suffix:
            message = (
                f"names below `{suffix}` are handed out to anyone: who gives `{plain}` up lets a "
                "stranger take it; name a host of a domain that is owned"
            )
            yield _hit(subject, path, message, f"destination:{name} {host}")


def _shared_suffix(host: str) -> str | None:
    """The suffix of the list's private section that *host* is, or is below."""
    suffix = suffix_list().publicsuffix(host)
    return suffix if suffix and "." in suffix and suffix in private_suffixes() else None


def ip_literals(subject: Subject) -> Iterator[Hit]:
    """Addresses and networks in place of names."""
    for name, path, host in _hosts(subject):
        if _network(host) is not None:
            message = (
                f"`{host}` is an address: no certificate names its owner, and whoever gets the "
                "address next gets the data; name the host"
            )
            yield _hit(subject, path, message, f"destination:{name} {host}")


def dangerous_addresses(subject: Subject) -> Iterator[Hit]:
    """Addresses that lead back to the client, to its neighbours, or into the company."""
    for name, path, host in _hosts(subject):
        zone = subject.snapshot.zones[subject.snapshot.destinations[name].zone]
        why = _danger(subject.snapshot, zone, host)
        if why:
            message = f"`{host}` {why}"
            yield _hit(subject, path, message, f"destination:{name} {host}")


def _danger(snapshot: Snapshot, zone: Zone, host: str) -> str:
    network = _network(host)
    if network is None:
        inner = host.endswith(_INNER_NAMES) and not _takes_all(snapshot, zone)
        return f"is a name of an inner network, in zone `{zone.name}`" if inner else ""
    for known, why in _NETWORKS:
        if known.version == network.version and known.overlaps(network):
            return f"stands for {why}; a call there could be turned against the client"
    if _takes_all(snapshot, zone):
        return ""
    if any(known.version == network.version and known.overlaps(network) for known in _INNER):
        return (
            f"is a private address, and zone `{zone.name}` is not for our own places: it leads "
            "into whichever network the client stands in"
        )
    return ""


def _takes_all(snapshot: Snapshot, zone: Zone) -> bool:
    """Whether a zone is one of our own: everything may enter it untouched."""
    is_highest = zone.clearance == snapshot.vocabulary.worst.rank
    return is_highest and set(zone.treatments.values()) <= {Treatment.PASS}


def unused_destinations(subject: Subject) -> Iterator[Hit]:
    """Destinations where no call can ever end."""
    snapshot = subject.snapshot
    used = {name for unit in snapshot.units.values() for name in unit.runs_on}
    used |= {name for template in snapshot.templates.values() for name in template.runs_on}
    for rule in snapshot.rules.values():
        if rule.layer == "guardrail" and rule.section is Section.CEILING:
            for each in subject.reach.of(rule):
                used |= each.places or {system(each.data)}
    for name, place in snapshot.destinations.items():
        if name not in used and name not in snapshot.systems:
            message = f"no ceiling lets anything go to `{name}`{_connections(snapshot, place)}"
            at = subject.place(layout.DESTINATIONS, ("destinations", name), key=True)
            yield Hit(
                at, f"{message}; remove it, or add the rule it waits for", f"destination:{name}"
            )


def _connections(snapshot: Snapshot, place: Destination) -> str:
    names = [each for each in snapshot.connections if each.partition("/")[0] == place.name]
    return f", which {', '.join(f'`{each}`' for each in names)} leads to" if names else ""


RULES = (
    LintRule(
        id="PD701",
        name="shared-host",
        guardrails=WARNING,
        units=OFF,
        finds="a host below a name that is handed out to anyone, such as `github.io`",
        avoid="shop: {zone: processor, hosts: [halmfeld.github.io], reason: The shop.}",
        prefer="shop: {zone: processor, hosts: [shop.halmfeld.example], reason: The shop.}",
        why="The name belongs to a hosting company, and to whoever holds it today. When it is "
        "given up, the next one to ask for it receives what was meant for us. A wildcard over "
        "such names is refused at load (`wildcard-too-wide`).",
        check=shared_hosts,
    ),
    LintRule(
        id="PD702",
        name="ip-literal",
        guardrails=WARNING,
        units=OFF,
        finds="an address or network in place of a host name",
        avoid="dock: {zone: partner, hosts: [203.0.113.7], reason: Docks.}",
        prefer="dock: {zone: partner, hosts: [slots.dockyard.example], reason: Docks.}",
        why="Nobody sees from an address whose it is, no ordinary certificate proves it, and it "
        "moves to another owner without a trace.",
        check=ip_literals,
    ),
    LintRule(
        id="PD704",
        name="internal-address",
        guardrails=ERROR,
        units=OFF,
        finds="an address of the client itself, of a cloud's metadata service, or a private one "
        "in a zone of strangers",
        avoid='hook: {zone: partner, hosts: ["169.254.169.254"], reason: A hook.}',
        prefer="hook: {zone: partner, hosts: [hooks.partner.example], reason: A hook.}",
        why="A client that is sent to such an address talks to itself or to its neighbours, and "
        "may hand out what they trust it with (server-side request forgery). Private addresses "
        "may stand in a zone that everything may enter untouched, which is our own.",
        check=dangerous_addresses,
    ),
    LintRule(
        id="PD708",
        name="unused-destination",
        guardrails=INFO,
        units=OFF,
        finds="a destination where no ceiling lets anything go, no system lives and nothing runs",
        avoid="fax: {zone: partner, hosts: [fax.example], reason: The old gateway.}",
        prefer="# nothing, until a ceiling sends something there",
        why="The allowlist is what people read to know where data may go. An entry without use is "
        "one rule away from being open, and nobody will look at it again on that day.",
        check=unused_destinations,
    ),
)
