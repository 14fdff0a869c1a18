"""OpenLineage: what allowed calls moved, hour by hour, for data catalogues.

One event for each (integration, input, output) and hour of UTC. The same records always make the
same events with the same run ids, and an hour that is told again replaces what was told of it, so
nothing has to be sent exactly once. Denied calls moved nothing and are left out; whether an
allowed one was made, and with how many rows, is its caller's word.

Catalogues draw an edge only where both ends are named. A `send` goes from the dataset to the
destination; a `write` from each source to the dataset. What an integration reads, or writes
without a word of where it came from, goes to or from the integration itself, so that
`erp/orders → integration → crm/deals` is one path. A `delete` moves nothing.
Source: OpenLineage 2-0-2, RunEvent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID, uuid5

from policyd import __version__
from policyd.forms.entry import Entry, present

_SPEC = "https://openlineage.io/spec"
_SCHEMA = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs"
_PRODUCER = f"https://policyd.example/v/{__version__}"
_OURS = "https://policyd.example/schemas/1-0-0/PolicydFlowRunFacet.json"
_RUNS = UUID("6f0c2c9e-5f0e-5d0b-9a39-0f8d6c1b7a52")  # the name space of our run ids
_HOUR = timedelta(hours=1)


class Dataset(NamedTuple):
    """One end of an edge."""

    namespace: str
    name: str


class _Edge(NamedTuple):
    """Who moved data from where to where."""

    job: str
    given: Dataset
    taken: Dataset


@dataclass(slots=True)
class _Flow:
    """What went along an edge in one hour."""

    first: Entry
    last: Entry
    calls: int = 0
    rows: int | None = None
    bytes: int | None = None
    labels: frozenset[str] = frozenset()

    def add(self, entry: Entry) -> None:
        self.last = entry
        self.calls += 1
        volume = entry.part("call", "volume") or {}
        for name in ("rows", "bytes"):
            if name in volume:
                setattr(self, name, (getattr(self, name) or 0) + volume[name])
        self.labels |= frozenset(entry.part("call", "labels", "effective") or ())


class Hours:
    """Gathers records, in the order of the log, into events of an hour each."""

    def __init__(self) -> None:
        self._flows: dict[_Edge, _Flow] = {}
        self._hour: datetime | None = None

    def add(self, entry: Entry) -> list[dict[str, Any]]:
        """Take a record; the events of the hour before, if it is over."""
        hour = entry.at.replace(minute=0, second=0, microsecond=0)
        done = self.end() if hour != self._hour else []
        self._hour = hour
        for edge in edges(entry):
            self._flows.setdefault(edge, _Flow(entry, entry)).add(entry)
        return done

    def end(self) -> list[dict[str, Any]]:
        """The events of the hour that is being gathered, which then is told."""
        hour, flows = self._hour, self._flows
        self._hour, self._flows = None, {}
        return [_event(edge, flows[edge], hour) for edge in sorted(flows)] if hour else []


def edges(entry: Entry) -> Iterator[_Edge]:
    """The edges along which a record says that data moved."""
    if entry.record["kind"] != "decision" or entry.record["decision"] != "allow":
        return
    call: Mapping[str, Any] = entry.record["call"]
    subject = call.get("subject")
    if not subject or not call["dataset"] or call["action"] not in {"read", "write", "send"}:
        return  # whoever moved it is kept apart of the record, or nothing moved
    data = _dataset(entry, call["dataset"])
    itself = Dataset(f"{_name(entry)}/integrations", subject)
    if call["action"] == "read":
        yield _Edge(subject, data, itself)
    elif call["action"] == "write":
        sources = [_dataset(entry, each) for each in call.get("sources", ()) if each]
        yield from (_Edge(subject, each, data) for each in sources or [itself])
    else:
        place = call["destination"].get("name") or "unlisted"
        yield _Edge(subject, data, Dataset(f"{_name(entry)}/destinations", place))


def _name(entry: Entry) -> str:
    return f"policyd://{entry.origin}"


def _dataset(entry: Entry, named: str) -> Dataset:
    """The dataset `system/name`; a catalogue takes the namespace for the system."""
    system, _, name = named.partition("/")
    # A namespace is the beginning of a URI.
    return Dataset(f"{_name(entry)}/{quote(system, safe='')}", name or system)


def _event(edge: _Edge, flow: _Flow, hour: datetime) -> dict[str, Any]:
    name, start = _name(flow.first), _time(hour)
    run_id = uuid5(_RUNS, "\n".join((name, start, edge.job, *edge.given, *edge.taken)))
    rows = {"rowCount": flow.rows, "size": flow.bytes} if flow.rows is not None else {}
    statistics = _facet("InputStatisticsInputDatasetFacet", "1-0-0", **present(**rows))
    written = _facet("OutputStatisticsOutputDatasetFacet", "1-0-1", **present(**rows))
    given, taken = edge.given._asdict(), edge.taken._asdict()
    if rows:
        given["inputFacets"] = {"inputStatistics": statistics}
        taken["outputFacets"] = {"outputStatistics": written}
    return {
        "eventType": "COMPLETE",
        "eventTime": flow.last.record["ts"],
        "producer": _PRODUCER,
        "schemaURL": f"{_SCHEMA}/RunEvent",
        "run": {"runId": str(run_id), "facets": _run_facets(flow, hour)},
        "job": {"namespace": name, "name": edge.job, "facets": {"jobType": _JOB_TYPE}},
        "inputs": [given],
        "outputs": [taken],
    }


def _run_facets(flow: _Flow, hour: datetime) -> dict[str, Any]:
    span = {"nominalStartTime": _time(hour), "nominalEndTime": _time(hour + _HOUR)}
    return {
        "nominalTime": _facet("NominalTimeRunFacet", "1-0-1", **span),
        "policyd_flow": {
            "_producer": _PRODUCER,
            "_schemaURL": _OURS,
            "logOrigin": flow.first.origin,
            "firstIndex": flow.first.seq,
            "lastIndex": flow.last.seq,
            "calls": flow.calls,
            "labels": sorted(flow.labels),
        },
    }


def _facet(name: str, version: str, **members: object) -> dict[str, Any]:
    url = f"{_SPEC}/facets/{version}/{name}.json#/$defs/{name}"
    return {"_producer": _PRODUCER, "_schemaURL": url, **members}


_JOB_TYPE = _facet(
    "JobTypeJobFacet",
    "2-0-4",
    processingType="SERVICE",
    integration="POLICYD",
    jobType="INTEGRATION_CALL",
)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
