"""Opening a call: resolving it, and asking every layer once.

Nearly all of that is about the flow which the call is part of: who does what to which data, at
which place. Flows recur, so the last ones are remembered.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

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
    """Opens the calls of one snapshot, and remembers so many of their *flows*."""

    def __init__(self, snapshot: Snapshot, flows: int, before: AccessRules | None) -> None:
        """Make *snapshot* ready; rules that it shares with *before* are so already."""
        self._snapshot = snapshot
        self._table = DestinationTable(snapshot.destinations)
        self._exemptions = Exemptions(snapshot)
        groups = {name: who.names for name, who in snapshot.integrations.items()}
        self.rules = AccessRules(snapshot.rules.values(), groups, snapshot.vocabulary, before)
        self._flow = lru_cache(maxsize=flows)(
            partial(_flow, snapshot, self.rules, self._exemptions)
        )

    def open(self, call: Call, clock: datetime, windows: frozenset[str]) -> Case:
        """The case of *call*, at wall-clock time *clock* while *windows* are open."""
        endpoint = endpoint_of(self._snapshot, self._table, call)
        subject, resource, place = call.subject, call.resource, endpoint.destination
        seen, layers, prospect = self._flow(
            (
                subject.type,
                subject.id,
                call.action,
                resource.type,
                resource.id,
                call.fields,
                call.labels,
                place.name if place else None,
                windows,
            )
        )
        asked = Asked._make((call, endpoint, *seen))
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
            question = self.rules.question(sent)
            yield Source(
                sent,
                self.rules.matching(GUARDRAIL, question),
                owner_forbids(self._snapshot, self.rules, question, who),
            )


_Names = tuple[str, ...]
_Parts = tuple[str, str, str, str, str, _Names, _Names, str | None, frozenset[str]]
"""What makes a flow: type and id of the subject, the action, type and id of the resource, fields,
labels, the destination that is contacted, and the windows that are open."""


def _flow(
    snapshot: Snapshot, rules: AccessRules, exemptions: Exemptions, parts: _Parts
) -> tuple[tuple[Any, ...], Layers, Prospect]:
    """What is found for every call that has these parts: of `Asked`, all that is not its own.

    INVARIANT: nothing else of a call is seen here, so that nothing else can matter.
    """
    subject_type, subject, action, resource_type, resource, fields, labels, name, windows = parts
    call = Call(
        Entity(subject_type, subject), action, Entity(resource_type, resource), fields, labels
    )
    place = snapshot.destinations[name] if name else None
    endpoint = Endpoint(None, None, place, kind_of(snapshot, name) if name else None)
    asked = resolve_at(snapshot, call, endpoint, windows)
    layers = ask_layers(snapshot, rules, asked)
    case = Case(snapshot, asked, _AT_NO_TIME, layers, (), exemptions, _UNSEEN)
    _, _, *seen = asked
    return tuple(seen), layers, prospect_of(case)
