"""Resolving a call: everything a rule can ask about it, from the snapshot and the facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from policyd.engine.calendar import open_windows, wall_clock
from policyd.engine.destination import DestinationTable, UrlRefused, canonical
from policyd.model.call import Call
from policyd.model.decision import Resolved
from policyd.model.destinations import CanonicalUrl, Destination, Zone
from policyd.model.labels import Label
from policyd.model.organisation import Integration
from policyd.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The place a call contacts: its canonical URL, or why there is none, and its listing."""

    url: CanonicalUrl | None
    problem: str | None  # why the URL cannot be read; None if it can, or if none was sent
    destination: Destination | None
    kind: str | None  # of the system that lives there: record or engagement


@dataclass(frozen=True, slots=True)
class Asked:
    """One call as rules see it; `integration` is None if nobody registered it.

    `marks` has the label of each named field, or of the dataset under None if none is named;
    `catalogued` has the same before the caller's word raised it, which may never help the call.
    `zone` is where the data comes to rest: a read where the integration runs, a write or delete
    at the dataset's system, a send at the destination.
    """

    call: Call
    integration: Integration | None
    system: str
    system_kind: str | None
    is_catalogued: bool
    catalogued: Mapping[str | None, Label]
    marks: Mapping[str | None, Label]
    label: Label
    endpoint: Endpoint
    zone: Zone
    windows: frozenset[str]

    def resolved(self) -> Resolved:
        """The part of this that is recorded with the decision."""
        who, place = self.integration, self.endpoint.destination
        return Resolved(
            unit=who.unit if who else None,
            roles=who.roles if who else (),
            stage=who.stage if who else None,
            template=who.template if who else None,
            system=self.system,
            label=self.label,
            url=self.endpoint.url,
            destination=place.name if place else None,
            zone=self.zone.name,
        )


def resolve(snapshot: Snapshot, table: DestinationTable, call: Call, now: datetime) -> Asked:
    """What the snapshot knows of *call* at *now*; total, whatever the call says."""
    is_integration = call.subject.type == "integration"
    integration = snapshot.integrations.get(call.subject.id) if is_integration else None
    system = call.resource.id.partition("/")[0]
    endpoint = _endpoint(snapshot, table, call)
    catalogued = _catalogued(snapshot, call)
    asserted = snapshot.vocabulary.label(call.labels)
    marks = {field: mark.joined(asserted) for field, mark in catalogued.items()}
    return Asked(
        call=call,
        integration=integration,
        system=system,
        system_kind=_kind(snapshot, system),
        is_catalogued=call.resource.type == "dataset" and call.resource.id in snapshot.datasets,
        catalogued=catalogued,
        marks=marks,
        label=_worst(marks),
        endpoint=endpoint,
        zone=_zone(snapshot, call, integration, endpoint.destination),
        windows=open_windows(snapshot.calendar, wall_clock(snapshot.calendar, now)),
    )


def _kind(snapshot: Snapshot, system: str) -> str | None:
    known = snapshot.systems.get(system)
    return known.kind if known else None


def _catalogued(snapshot: Snapshot, call: Call) -> Mapping[str | None, Label]:
    """Labels from the catalogue.

    A field that is not listed counts as its dataset, a dataset that is not listed as the worst.
    """
    dataset = snapshot.datasets.get(call.resource.id)
    whole = dataset.label if dataset else snapshot.vocabulary.worst
    listed = dataset.fields if dataset else {}
    return {field: listed.get(field, whole) for field in call.fields} or {None: whole}


def _worst(marks: Mapping[str | None, Label]) -> Label:
    worst = Label(0, frozenset())
    for mark in marks.values():
        worst = worst.joined(mark)
    return worst


def _endpoint(snapshot: Snapshot, table: DestinationTable, call: Call) -> Endpoint:
    if not call.endpoint:
        return Endpoint(None, None, None, None)
    try:
        url = canonical(spelt_out(snapshot, call.endpoint, call.path))
    except UrlRefused as refused:
        return Endpoint(None, refused.problem, None, None)
    place = table.find(url)
    return Endpoint(url, None, place, _kind(snapshot, place.name) if place else None)


def spelt_out(snapshot: Snapshot, endpoint: str, path: str | None) -> str:
    """The URL that an endpoint and a path below it stand for, as it is written there.

    Raises:
        UrlRefused: the endpoint names no URL.
    """
    if "://" not in endpoint and endpoint not in snapshot.connections:
        raise UrlRefused("it is neither a connection name nor an absolute URL")
    base = snapshot.connections.get(endpoint, endpoint)
    if path and "?" in base:
        raise UrlRefused("it has a query, and the call has a path besides")
    return f"{base.removesuffix('/')}/{path.removeprefix('/')}" if path else base


def _zone(
    snapshot: Snapshot, call: Call, integration: Integration | None, contacted: Destination | None
) -> Zone:
    """The zone of the place where the data comes to rest; of the unlisted if that is unknown."""
    rests: Destination | None = None
    if call.action == "send":
        rests = contacted
    elif call.action == "read":
        rests = snapshot.destinations[integration.runs_on] if integration else None
    elif call.action in {"write", "delete"}:
        rests = snapshot.destinations.get(call.resource.id.partition("/")[0])
    return snapshot.zones[rests.zone if rests else snapshot.unlisted]
