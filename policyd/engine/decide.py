"""The decision: an intersection of layers, each asked once, with everything that is in the way."""

from collections.abc import Iterator
from datetime import datetime

from policyd.engine.calendar import steady_until
from policyd.engine.checks import (
    AccessChecks,
    check_complete,
    check_destination,
    check_registered,
)
from policyd.engine.destination import DestinationTable
from policyd.engine.flow import Flow, check_flow, check_obligations, flow_into, obligations
from policyd.engine.resolve import Asked, resolve
from policyd.engine.wording import Wording
from policyd.model.call import Call
from policyd.model.decision import Decision, Obligation, Reason
from policyd.model.facts import Facts
from policyd.model.snapshot import Snapshot

MAX_REASONS = 24
"""Reasons named in one decision; with it, a record stays under 16 KiB."""


class Engine:
    """A snapshot made ready to decide. Holds no state of calls: swap it, never change it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._table = DestinationTable(snapshot.destinations)
        self._access = AccessChecks(snapshot)

    def decide(self, call: Call, facts: Facts) -> Decision:
        """The decision on *call*: a pure function of the call, the snapshot and the facts."""
        asked = resolve(self.snapshot, self._table, call, facts)
        flow = flow_into(asked.zone, asked)
        due = obligations(flow)
        reasons = tuple(self._reasons(asked, facts, flow, due))
        allow = not reasons
        return Decision(
            allow=allow,
            reasons=reasons[:MAX_REASONS],
            more=max(0, len(reasons) - MAX_REASONS),
            obligations=due if allow else (),
            resolved=asked.resolved(),
            valid_until=self._valid_until(asked, facts) if allow else None,
        )

    def _reasons(
        self, asked: Asked, facts: Facts, flow: Flow, due: tuple[Obligation, ...]
    ) -> Iterator[Reason]:
        """Every failing check, in the order of the decision."""
        words, who = Wording(self.snapshot, asked), asked.integration
        if who is None:
            # Nothing can be said of the access of someone unknown; each layer would only repeat it.
            yield words.reason("integration-unregistered")
            return
        yield from check_registered(words, who, facts)
        yield from check_complete(words, asked)
        yield from self._access.guardrails(words, asked)
        yield from self._access.template(words, asked, who)
        yield from check_destination(words, asked, who.names)
        yield from check_flow(words, asked, flow)
        yield from self._access.unit(words, asked, who)
        yield from self._access.data_owner(words, asked, who)
        yield from check_obligations(words, asked, due)

    def _valid_until(self, asked: Asked, facts: Facts) -> datetime:
        until = asked.integration.until if asked.integration else None
        return steady_until(self.snapshot.calendar, facts.now, until)
