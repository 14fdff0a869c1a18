"""Opening a call: resolving it, and asking every layer once.

Nearly all of that is about the flow which the call is part of: who does what to which data, at
which place. Flows recur, so the last ones are remembered.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from typing import NamedTuple

from policyd.engine.access import AccessRules
from policyd.engine.case import (
    GUARDRAIL,
    Case,
    Layers,
    Prospect,
    Source,
    ask_layers,
    owner_forbids,
)
from policyd.engine.destination import DestinationTable
from policyd.engine.exemptions import Exemptions
from policyd.engine.outlook import prospect_of
from policyd.engine.resolve import Asked, Endpoint, endpoint_of, kind_of, resolve_at
from policyd.model.call import Call, Entity
from policyd.model.snapshot import Snapshot

FLOWS = 8192
"""How many flows are remembered: some 10 MB, and 50 MB if each is as large as a call may be."""

_AT_NO_TIME = datetime.min  # noqa: DTZ901 - the prospect of a flow does not depend on the clock
_UNSEEN = Prospect((), (), None)


class Opener:
    """Opens the calls of one snapshot."""

    def __init__(self, snapshot: Snapshot, before: AccessRules | None) -> None:
        """Make *snapshot* ready; rules that it shares with *before* are so already."""
        self._snapshot = snapshot
        self._table = DestinationTable(snapshot.destinations)
        self._exemptions = Exemptions(snapshot)
        groups = {name: who.names for name, who in snapshot.integrations.items()}
        self.rules = AccessRules(snapshot.rules.values(), groups, snapshot.vocabulary, before)
        self._flow = lru_cache(maxsize=FLOWS)(
            partial(_flow, snapshot, self.rules, self._exemptions)
        )

    def open(self, call: Call, clock: datetime, windows: frozenset[str]) -> Case:
        """The case of *call*, at wall-clock time *clock* while *windows* are open."""
        endpoint = endpoint_of(self._snapshot, self._table, call)
        subject, resource, place = call.subject, call.resource, endpoint.destination
        parts = _Parts(
            (subject.type, subject.id),
            call.action,
            (resource.type, resource.id),
            call.fields,
            call.labels,
            place.name if place else None,
            windows,
        )
        seen, layers, prospect = self._flow(parts)
        asked = Asked(call, endpoint, *seen[2:])
        sources = tuple(self._sources(asked)) if call.sources else ()
        return Case(self._snapshot, asked, clock, layers, sources, self._exemptions, prospect)

    def _sources(self, asked: Asked) -> Iterator[Source]:
        """Each source of a write, as a send to where the write goes."""
        call, who = asked.call, asked.integration
        if who is None or call.action != "write":
            return
        for dataset in call.sources:
            as_send = replace(
                call, action="send", resource=Entity("dataset", dataset), fields=(), sources=()
            )
            sent = resolve_at(self._snapshot, as_send, asked.endpoint, asked.windows)
            sent = sent._replace(zone=asked.zone)
            yield Source(
                sent,
                self.rules.matches(GUARDRAIL, sent),
                owner_forbids(self._snapshot, self.rules, sent, who),
            )


class _Parts(NamedTuple):
    """What makes a flow."""

    subject: tuple[str, str]  # type and id
    action: str
    resource: tuple[str, str]  # type and id
    fields: tuple[str, ...]
    labels: tuple[str, ...]
    place: str | None  # the destination that is contacted
    windows: frozenset[str]  # that are open


def _flow(
    snapshot: Snapshot, rules: AccessRules, exemptions: Exemptions, parts: _Parts
) -> tuple[Asked, Layers, Prospect]:
    """What is found for every call that has these parts, whatever else it has.

    INVARIANT: nothing else of a call is seen here, so that nothing else can matter.
    """
    call = Call(
        Entity(*parts.subject), parts.action, Entity(*parts.resource), parts.fields, parts.labels
    )
    place = snapshot.destinations[parts.place] if parts.place else None
    endpoint = Endpoint(None, None, place, kind_of(snapshot, parts.place))
    asked = resolve_at(snapshot, call, endpoint, parts.windows)
    layers = ask_layers(snapshot, rules, asked)
    case = Case(snapshot, asked, _AT_NO_TIME, layers, (), exemptions, _UNSEEN)
    return asked, layers, prospect_of(case)
