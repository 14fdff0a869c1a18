"""The names in policy tests, and what the tree has of each kind."""

from collections.abc import Iterable, Iterator

from policyd.model.codes import CODES
from policyd.model.rules import ACTIONS, ANYTHING
from policyd.model.snapshot import Snapshot
from policyd.policy.suite_shapes import CaseEntry, SentenceOfCalls, TryShape

_STRANGERS = {"integration": "integration-unregistered", "dataset": "dataset-unknown"}
Member = tuple[str, ...]
Named = tuple[Member, str, Iterable[str], frozenset[str]]


def names_in(entry: CaseEntry, snapshot: Snapshot) -> Iterator[Named]:
    """The names in *entry*: where they stand, what they name, and what there is of it.

    What nobody registered may be named to see it refused as that.
    """
    because = set(entry.because or ())
    integrations, rules = frozenset(snapshot.integrations), frozenset(snapshot.rules)
    cells = {
        f"zone:{zone.name}/{column}"
        for zone in snapshot.zones.values()
        for column in ("clearance", *zone.treatments)
    }
    reasons = frozenset(CODES) | rules | cells | {f"destination:{n}" for n in snapshot.destinations}
    if entry.try_:
        for named in names_in_table(entry.try_, snapshot, ("try",)):
            if _STRANGERS.get(named[1]) not in because:
                yield named
    exempt = frozenset(snapshot.exemptions)
    yield ("because",), "reason", because, reasons
    yield ("would_deny",), "reason", entry.would_deny or (), reasons
    yield ("used",), "limit", entry.used or (), rules
    yield ("lifted",), "exemption", entry.lifted or (), exempt
    parties = frozenset({*snapshot.units, *snapshot.roles, *integrations})
    yield ("only",), "party", entry.only or (), parties
    yield ("exactly",), "party", entry.exactly or (), parties
    if entry.skip:
        yield ("skip", "owner"), "owner", (entry.skip.owner,), frozenset(snapshot.owners)
    for member, says in (("never", entry.never), ("may", entry.may), ("within", entry.within)):
        if says:
            yield from _names_of_sentence(member, says, snapshot)


def _names_of_sentence(member: str, says: SentenceOfCalls, snapshot: Snapshot) -> Iterator[Named]:
    """The names in a sentence about all calls: nothing would ever be allowed of what is not."""
    systems = {f"{name}/*" for name in snapshot.systems}
    data = frozenset({ANYTHING, *snapshot.datasets, *systems})
    for action in ACTIONS:
        yield (member, action), "dataset", getattr(says, action) or (), data
    yield (member, "to"), "destination", says.to or (), frozenset(snapshot.destinations)
    yield (member, "to_zone"), "zone", says.to_zone or (), frozenset(snapshot.zones)
    yield (member, "category"), "category", says.category or (), snapshot.vocabulary.categories


def names_in_table(table: TryShape, snapshot: Snapshot, at: Member) -> Iterator[Named]:
    """The names in a table of calls that stands at *at*."""
    datasets = frozenset(snapshot.datasets)
    yield (*at, "who"), "integration", table.who or (), frozenset(snapshot.integrations)
    for action in ACTIONS:
        yield (*at, action), "dataset", getattr(table, action) or (), datasets
    yield (*at, "sources"), "dataset", table.sources or (), datasets
    vocabulary = snapshot.vocabulary
    labels = frozenset({*vocabulary.levels, *vocabulary.categories})
    yield (*at, "labels"), "label", table.labels or (), labels
    for member in ("to", "at"):
        names = [each for each in getattr(table, member) or () if "://" not in each]
        yield (*at, member), "connection", names, frozenset(snapshot.connections)
