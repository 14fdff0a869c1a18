"""Resolving a call: everything a rule can ask about it, from the snapshot and the facts."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from typing import NamedTuple

from policyd.engine.calendar import open_windows, wall_clock
from policyd.engine.destination import DestinationTable, UrlRefused, canonical
from policyd.model.call import Call
from policyd.model.catalogue import Dataset
from policyd.model.decision import Resolved
from policyd.model.destinations import CanonicalUrl, Destination, Zone
from policyd.model.labels import Label
from policyd.model.organisation import Integration
from policyd.model.snapshot import Snapshot


class Endpoint(NamedTuple):
    """The place a call contacts: its canonical URL, or why there is none, and its listing."""

    url: CanonicalUrl | None
    problem: str | None  # why the URL cannot be read; None if it can, or if none was sent
    destination: Destination | None
    kind: str | None  # of the system that lives there: record or engagement


_NOWHERE = Endpoint(None, None, None, None)
_NAME = re.compile(r"[a-z0-9-]{1,60}/[a-z0-9-]{1,60}")


class Asked(NamedTuple):
    """One call as rules see it; `integration` is None if nobody registered it.

    `marks` has the label of each named field, or of the dataset under None if none is named;
    `catalogued` has the same before the caller's word raised it, which may never help the call.
    `zone` is where the data comes to rest: a read where the integration runs, a write or delete
    at the dataset's system, a send at the destination.
    """

    call: Call
    endpoint: Endpoint
    integration: Integration | None
    system: str
    system_kind: str | None
    is_catalogued: bool
    catalogued: Mapping[str | None, Label]
    marks: Mapping[str | None, Label]
    label: Label
    zone: Zone
    windows: frozenset[str]

    def resolved(self) -> Resolved:
        """The part of this that is recorded with the decision."""
        who, place = self.integration, self.endpoint.destination
        unit, roles, stage, template = (
            (who.unit, who.roles, who.stage, who.template) if who else (None, (), None, None)
        )
        return Resolved(
            unit,
            roles,
            stage,
            template,
            self.system,
            self.label,
            self.endpoint.url,
            place.name if place else None,
            self.zone.name,
        )


def resolve(snapshot: Snapshot, table: DestinationTable, call: Call, now: datetime) -> Asked:
    """What the snapshot knows of *call* at *now*; total, whatever the call says."""
    windows = open_windows(snapshot.calendar, wall_clock(snapshot.calendar, now))
    return resolve_at(snapshot, call, endpoint_of(snapshot, table, call), windows)


def resolve_at(
    snapshot: Snapshot, call: Call, endpoint: Endpoint, windows: frozenset[str]
) -> Asked:
    """What the snapshot knows of *call*, which contacts *endpoint* while *windows* are open."""
    subject, data = call.subject, call.resource.id
    integration = snapshot.integrations.get(subject.id) if subject.type == "integration" else None
    system = data.partition("/")[0]
    dataset = snapshot.datasets.get(data)
    catalogued = _catalogued(snapshot, dataset, call.fields)
    marks = _raised(snapshot, catalogued, call.labels) if call.labels else catalogued
    return Asked(
        call=call,
        endpoint=endpoint,
        integration=integration,
        system=system,
        system_kind=kind_of(snapshot, system),
        is_catalogued=dataset is not None and call.resource.type == "dataset",
        catalogued=catalogued,
        marks=marks,
        label=reduce(Label.joined, marks.values()),
        zone=_zone(snapshot, call.action, system, integration, endpoint.destination),
        windows=windows,
    )


def kind_of(snapshot: Snapshot, system: str) -> str | None:
    """Record or engagement; None for what is no system."""
    known = snapshot.systems.get(system)
    return known.kind if known else None


def _catalogued(
    snapshot: Snapshot, dataset: Dataset | None, fields: tuple[str, ...]
) -> Mapping[str | None, Label]:
    """Labels from the catalogue.

    A field that is not listed counts as its dataset, a dataset that is not listed as the worst.
    """
    whole = dataset.label if dataset else snapshot.vocabulary.worst
    if not fields:
        return {None: whole}
    listed = dataset.fields if dataset else {}
    return {field: listed.get(field, whole) for field in fields}


def _raised(
    snapshot: Snapshot, catalogued: Mapping[str | None, Label], labels: tuple[str, ...]
) -> Mapping[str | None, Label]:
    """Labels from the catalogue with those that the caller asserts."""
    asserted = snapshot.vocabulary.label(labels)
    return {field: mark.joined(asserted) for field, mark in catalogued.items()}


def endpoint_of(snapshot: Snapshot, table: DestinationTable, call: Call) -> Endpoint:
    """The place that *call* contacts."""
    if not call.endpoint:
        return _NOWHERE
    try:
        url = canonical(spelt_out(snapshot, call.endpoint, call.path))
    except UrlRefused as refused:
        return Endpoint(None, refused.problem, None, None)
    place = table.find(url)
    return Endpoint(url, None, place, kind_of(snapshot, place.name) if place else None)


def spelt_out(snapshot: Snapshot, endpoint: str, path: str | None) -> str:
    """The URL that an endpoint and a path below it stand for, as it is written there.

    Raises:
        UrlRefused: the endpoint names no URL.
    """
    base = snapshot.connections.get(endpoint)
    if base is None:
        if "://" not in endpoint:
            # Only what can be no secret is said again.
            what = f"`{endpoint}`" if _NAME.fullmatch(endpoint) else "it"
            raise UrlRefused(f"{what} is neither a connection name nor an absolute URL")
        base = endpoint
    if not path:
        return base
    if "?" in base:
        raise UrlRefused("it has a query, and the call has a path besides")
    return f"{base.removesuffix('/')}/{path.removeprefix('/')}"


def _zone(
    snapshot: Snapshot,
    action: str,
    system: str,
    integration: Integration | None,
    contacted: Destination | None,
) -> Zone:
    """The zone of the place where the data comes to rest; of the unlisted if that is unknown."""
    rests: Destination | None = None
    if action == "send":
        rests = contacted
    elif action == "read":
        rests = snapshot.destinations[integration.runs_on] if integration else None
    elif action in {"write", "delete"}:
        rests = snapshot.destinations.get(system)
    return snapshot.zones[rests.zone if rests else snapshot.unlisted]
