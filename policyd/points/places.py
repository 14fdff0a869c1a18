"""Asking where a URL goes: no decision, and yet a record before it is an answer."""

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from policyd.engine.match import Match, match
from policyd.ledger import record
from policyd.ledger.ledger import Ledger
from policyd.model.call import Call
from policyd.model.destinations import CanonicalUrl
from policyd.model.errors import OutOfScope
from policyd.model.keys import Key
from policyd.model.rules import EVERYONE
from policyd.model.snapshot import Snapshot
from policyd.points.administration import PolicyInForce
from policyd.points.decision import Sender
from policyd.points.explain import WATCHERS

_PLAIN = "/:[]@!$&'()*+,;=~%"  # what a canonical URL may have besides letters and digits


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found, in which snapshot."""

    match: Match
    snapshot: Snapshot


class PlacePoint:
    """Answers where a URL goes, to those who may ask, on the record."""

    def __init__(self, policy: PolicyInForce, ledger: Ledger) -> None:
        self._policy = policy
        self._ledger = ledger

    async def match(self, by: Sender, call: Call) -> Looked:
        """What becomes of the endpoint of *call*; see `engine.match`.

        Raises:
            OutOfScope: the key may not ask about this subject.
            ClockBehind: see `Ledger.stamp`.
            LedgerUnavailable: the asking could not be made durable.
        """
        _admit(by.key, call)
        now, engine = self._ledger.stamp().at, self._policy.current.engine
        # It looks at every destination for near ones, which checks should not have to wait for.
        found = await asyncio.to_thread(match, engine, call, now)
        query = record.Query(
            **record.stamped(self._ledger.stamp()),
            caller=record.Caller(key=by.key.id, address=by.address),
            text=_text(call, found.url),
            rows=1 if found.destination else 0,
        )
        await self._ledger.append([record.encode(query)], is_urgent=True)
        return Looked(found, engine.snapshot)


def _admit(key: Key, call: Call) -> None:
    """Who sees all asks about anybody; a builder about its own or nobody; a PEP about its own."""
    if key.has_role(*WATCHERS):
        return
    if call.subject.type == EVERYONE:
        if not key.has_role("builder"):
            raise OutOfScope(
                "this key asks for its own integrations alone: say `subject`",
                code="key-out-of-scope",
            )
    elif not key.speaks_for(call.subject.id):
        raise OutOfScope(
            f"this key may not ask about `{call.subject.id[:160]}`;"
            " an admin can bind it to the integration or its unit",
            code="key-out-of-scope",
        )


def _text(call: Call, url: CanonicalUrl | None) -> str:
    """What was asked, for the record; of a URL that was refused nothing is known to be no secret.

    No part can be taken for another: a space inside one is escaped.
    """
    parts = {
        "url": str(url) if url else "unreadable",
        "endpoint": call.endpoint if url and call.endpoint and "://" not in call.endpoint else None,
        "method": call.method,
        "subject": call.subject.id if call.subject.type != EVERYONE else None,
    }
    said = (f"{name}:{quote(text, safe=_PLAIN)}" for name, text in parts.items() if text)
    return " ".join(["match", *said])
