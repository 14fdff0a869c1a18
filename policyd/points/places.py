"""Asking where a URL goes: no decision, and yet a record before it is an answer."""

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

_ABOUT_ANYBODY = ("author", "auditor", "admin")
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
        made, engine = self._ledger.stamp(), self._policy.current.engine
        found = match(engine, call, made.at)
        query = record.Query(
            **record.stamped(made),
            caller=record.Caller(key=by.key.id, address=by.address),
            text=_text(call, found.url),
            rows=1 if found.destination else 0,
        )
        await self._ledger.append([record.encode(query)])
        return Looked(found, engine.snapshot)


def _admit(key: Key, call: Call) -> None:
    """Who sees all asks about anybody; a builder about its own or nobody; a PEP about its own."""
    if key.has_role(*_ABOUT_ANYBODY):
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
        "match": str(url) if url else "unreadable",
        "endpoint": call.endpoint if url and call.endpoint and "://" not in call.endpoint else None,
        "method": call.method,
        "subject": call.subject.id if call.subject.type != EVERYONE else None,
    }
    return " ".join(f"{name}:{quote(text, safe=_PLAIN)}" for name, text in parts.items() if text)
