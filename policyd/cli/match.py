"""What was found of a URL: read as a whole before anything is concluded, then told in words."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from policyd.cli.answer import Reason, lines_of, unreadable
from policyd.cli.output import say


class _Change(msgspec.Struct):
    step: str
    before: str
    after: str


class _Destination(msgspec.Struct):
    name: str
    private_addresses: list[str]
    zone: str | None = None
    clearance: str | None = None
    owner: str | None = None
    contact: str | None = None
    methods: list[str] = []
    who: list[str] = []


class _Near(msgspec.Struct):
    destination: str
    fails: dict[str, list[str]]


class Found(msgspec.Struct):
    """What a server says of a URL, in the shape of `GET /v1/destinations/match`."""

    url: str | None
    changes: list[_Change]
    destination: _Destination | None
    reasons: list[Reason]
    near: list[_Near] = []
    more_near: int = 0


def read_match(body: Mapping[str, Any]) -> Found:
    """What *body* says.

    Raises:
        Unanswered: it is nothing that this version can read.
    """
    try:
        return msgspec.convert(body, Found)
    except msgspec.ValidationError as error:
        raise unreadable(error) from None


def show(found: Found, *, note: str = "") -> None:
    """Print *found*; a *note* says why it is nobody's answer."""
    say(found.url or "refused", "bold" if found.url else "red")
    if note:
        say(f"  {note}")
    for each in found.changes:
        say(f"  {each.step}: {each.before or 'none'} became {each.after or 'none'}")
    if found.destination:
        say(f"  listed as {found.destination.name}", "green")
        for line in _told(found.destination):
            say(f"    {line}")
    for line in lines_of(found.reasons):
        say(f"  {line}")
    for near in found.near:
        parts = (f"{part} ({', '.join(listed)})" for part, listed in near.fails.items())
        say(f"  near: {near.destination}, but for its {', '.join(parts)}")
    if found.more_near:
        say(f"  and {found.more_near} more near ones")


def _told(place: _Destination) -> Iterator[str]:
    if place.zone:
        yield f"zone {place.zone}, cleared for {place.clearance}"
        yield f"owner {place.owner}, {place.contact}"
    for word, names in (("for the methods", place.methods), ("for", place.who)):
        if names:
            yield f"only {word} {', '.join(names)}"
    allowed = ", ".join(place.private_addresses)
    yield f"private addresses: {f'only {allowed}' if allowed else 'none'}"
