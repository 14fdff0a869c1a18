"""Whether zones, destinations, systems and connections fit together and name what is declared."""

from collections.abc import Iterator

from policyd.engine.destination import DestinationTable, canonical
from policyd.model.findings import Finding
from policyd.policy import layout
from policyd.policy.build_places import destinations
from policyd.policy.names import Names
from policyd.policy.overlap import overlaps
from policyd.policy.parties import guardrail_parties
from policyd.policy.tree import Tree
from policyd.policy.wording import did_you_mean


def place_findings(tree: Tree, names: Names) -> Iterator[Finding]:
    """Everything wrong with guardrails/destinations.yaml and guardrails/systems.yaml."""
    yield from _zones(tree, names)
    yield from _flow(tree, names)
    yield from _destinations(tree, names)
    yield from _overlaps(tree)
    yield from _systems(tree, names)
    yield from _connections(tree, names)


def _zones(tree: Tree, names: Names) -> Iterator[Finding]:
    read, file = tree.destinations, tree.destinations.content
    yield from names.owners.check(read, ("owner",), file.owner)
    yield from names.zones.check(read, ("unlisted",), file.unlisted)
    rows = read.declared("flow")
    for name, zone in file.zones.items():
        yield from names.owners.check(read, ("zones", name, "owner"), zone.owner)
        if rows is not None and name not in rows:
            message = f"zone `{name}` has no row in `flow`, so nothing says what may enter it"
            yield read.finding(("zones", name), "flow-incomplete", message, key=True)


def _flow(tree: Tree, names: Names) -> Iterator[Finding]:
    read = tree.destinations
    for name, row in read.content.flow.items():
        path = ("flow", name)
        if not names.zones.has(name):
            near = did_you_mean(name, names.zones.names or ())
            message = f"there is no zone `{name}`{near}"
            yield read.finding(path, "undeclared-zone", message, key=True)
        yield from names.levels.check(read, (*path, "clearance"), row.clearance)
        if names.categories.names is None:
            continue
        written = set(row.model_extra or ())
        for category in sorted(names.categories.names - written):
            message = f"the row does not say what happens to `{category}`; add a cell"
            yield read.finding(path, "flow-incomplete", message, key=True)
        for category in sorted(written - names.categories.names):
            near = did_you_mean(category, names.categories.names - written)
            message = f"{layout.COMPANY} has no category `{category}`{near}"
            yield read.finding((*path, category), "undeclared-category", message, key=True)


def _destinations(tree: Tree, names: Names) -> Iterator[Finding]:
    read = tree.destinations
    parties = guardrail_parties(names)
    for name, entry in read.content.destinations.items():
        path = ("destinations", name)
        yield from names.zones.check(read, (*path, "zone"), entry.zone)
        yield from names.owners.check(read, (*path, "owner"), entry.owner)
        yield from parties.check(read, (*path, "who"), entry.who)


def _overlaps(tree: Tree) -> Iterator[Finding]:
    read = tree.destinations
    for each in overlaps(list(read.content.destinations.items())):
        message = (
            f"destination `{each.earlier}` could list the same URL;"
            " narrow the hosts, ports or paths of one, or make them one"
        )
        path = ("destinations", each.later, "hosts", each.host)
        yield read.finding(path, "destinations-overlap", message)


def _systems(tree: Tree, names: Names) -> Iterator[Finding]:
    read = tree.systems
    yield from names.owners.check(read, ("owner",), read.content.owner)
    for name, entry in read.content.systems.items():
        path = ("systems", name)
        yield from names.owners.check(read, (*path, "owner"), entry.owner)
        yield from names.units.check(read, (*path, "unit"), entry.unit)
        if not names.destinations.has(name):
            near = did_you_mean(name, names.destinations.names or ())
            message = (
                f"{layout.DESTINATIONS} has no destination `{name}`, where it would live{near}"
            )
            yield read.finding(path, "system-without-destination", message, key=True)


def _connections(tree: Tree, names: Names) -> Iterator[Finding]:
    read, places = tree.systems, destinations(tree)
    table = DestinationTable(places)
    for name, url in read.content.connections.items():
        home = name.partition("/")[0]
        path = ("connections", name)
        if not names.destinations.has(home):
            near = did_you_mean(home, names.destinations.names or ())
            message = f"{layout.DESTINATIONS} has no destination `{home}`{near}"
            yield read.finding(path, "connection-elsewhere", message, key=True)
        elif home in places:
            at = canonical(url)
            # At home it is, even if another entry overlaps there: that is a finding of its own.
            if DestinationTable({home: places[home]}).find(at) is None:
                found = table.find(at)
                where = f"at destination `{found.name}`" if found else "at no destination"
                message = f"`{url}` is {where}; `{name}` has to be at `{home}`"
                yield read.finding(path, "connection-elsewhere", message)
