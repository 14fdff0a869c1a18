"""What `GET /v1/destinations/match` takes and answers, for whoever serves or shows it."""

from dataclasses import dataclass

from pydantic import BaseModel

from policyd.api.wire import as_call, wire_reason
from policyd.engine.match import Match, private_addresses
from policyd.engine.nearness import Near, listed
from policyd.engine.spelling import Change
from policyd.model.call import Call
from policyd.model.destinations import Destination
from policyd.model.errors import CallMalformed
from policyd.model.rules import EVERYONE
from policyd.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Sought:
    """A look-up: a call that says its endpoint and perhaps its method and subject.

    The query of its URL is gone; it takes no part and may carry secrets.
    """

    call: Call
    had_query: bool


class ChangeShown(BaseModel):
    """A part of the URL that is written in another way now."""

    step: str
    before: str
    after: str


class ReasonShown(BaseModel):
    """A reason of a check; `check`, `owner` and `rule` for authors, auditors and admins."""

    code: str
    message: str
    fix: str
    contact: str
    check: str | None = None
    owner: str | None = None
    rule: str | None = None


class DestinationShown(BaseModel):
    """The entry that takes the request; a key that is a PEP's alone sees what it has to obey.

    `private_addresses`: the only addresses of no public place that a client may be led to.
    `methods`, `who`: empty where the entry narrows nothing.
    """

    name: str
    private_addresses: list[str]
    zone: str | None = None
    clearance: str | None = None
    owner: str | None = None
    contact: str | None = None
    methods: list[str] | None = None
    who: list[str] | None = None


class NearShown(BaseModel):
    """An entry that nearly takes it; `fails` has each part that keeps it out, with what it lists.

    The parts are `host`, `scheme`, `port`, `path`, `method` and `who`.
    """

    destination: str
    fails: dict[str, list[str]]


class MatchShown(BaseModel):
    """What a URL becomes, and where it goes. No decision: nothing may be sent because of it.

    `url` is null if it cannot be read in exactly one way, `destination` if no entry takes it;
    `reasons` then has why. A key that is a PEP's alone sees neither `near` nor `snapshot`.
    """

    url: str | None
    changes: list[ChangeShown]
    destination: DestinationShown | None
    reasons: list[ReasonShown]
    near: list[NearShown] | None = None
    more_near: int | None = None
    snapshot: str | None = None


def sought(
    endpoint: str, path: str | None = None, method: str | None = None, subject: str | None = None
) -> Sought:
    """The look-up of a URL or connection; bounded, and refused, as a check is.

    Raises:
        CallMalformed: it names no place, or has a control character.
        CallTooLarge: see `wire.MAX_CALL`.
    """
    nobody = {"type": EVERYONE, "id": EVERYONE}
    who = nobody if subject is None else {"type": "integration", "id": subject}
    members = {
        "subject": who,
        "action": {"name": "match"},
        "resource": {"type": "destination", "id": "match"},
        "context": {"endpoint": endpoint, "path": path, "method": method},
    }
    call = as_call(members, ()).call
    if call.endpoint is None:
        raise CallMalformed("`endpoint` is empty: say what to look up, a URL or a connection")
    return Sought(call, "?" in endpoint or "?" in (path or ""))


def shown(
    asked: Sought, found: Match, snapshot: Snapshot, *, in_part: bool, in_full: bool
) -> MatchShown:
    """What was *found* for *asked*.

    Args:
        asked: The look-up.
        found: What came of it.
        snapshot: The one it was found in.
        in_part: Only what a PEP has to obey.
        in_full: Reasons name their rule and owner: for authors, auditors and admins.
    """
    steps = (Change("query", "?…", ""), *found.changes) if asked.had_query else found.changes
    place = found.destination
    said = MatchShown(
        url=str(found.url) if found.url else None,
        changes=[ChangeShown(**each._asdict()) for each in steps if found.url],
        destination=_destination(place, snapshot, in_part=in_part) if place else None,
        reasons=[ReasonShown(**wire_reason(each, in_full=in_full)) for each in found.reasons],
    )
    if not in_part:
        said.near = [_near(each) for each in found.near]
        said.more_near = found.more
        said.snapshot = snapshot.digest
    return said


def _destination(place: Destination, snapshot: Snapshot, *, in_part: bool) -> DestinationShown:
    said = DestinationShown(name=place.name, private_addresses=list(private_addresses(place)))
    if in_part:
        return said
    said.zone = place.zone
    said.clearance = snapshot.vocabulary.levels[snapshot.zones[place.zone].clearance]
    said.owner, said.contact = place.owner, snapshot.owners[place.owner].contact
    said.methods, said.who = sorted(place.methods), sorted(place.who)
    return said


def _near(found: Near) -> NearShown:
    words = listed(found.destination)
    fails = {part: list(words[part]) for part in found.fails}
    return NearShown(destination=found.destination.name, fails=fails)
