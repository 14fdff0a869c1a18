"""Shapes of the files about systems and destinations."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from policyd.policy import hosts
from policyd.policy.words import (
    UNIQUE,
    DatasetId,
    Kind,
    Line,
    Method,
    Name,
    Scheme,
    Shape,
    Treated,
    Who,
)


def _in_one_spelling(read: Callable[[str], object]) -> AfterValidator:
    """Refuses what *read* refuses, with its code and words."""

    def check(text: str) -> str:
        try:
            read(text)
        except hosts.HostRefusedError as refused:
            raise PydanticCustomError(refused.code, "{why}", {"why": str(refused)}) from None
        return text

    return AfterValidator(check)


Host = TypeAliasType(
    "Host",
    Annotated[
        str,
        Field(
            pattern=r"^\S+$",
            max_length=255,
            description="a host, `*.suffix`, or a network such as 10.20.0.0/16",
        ),
        _in_one_spelling(hosts.read_host),
    ],
)
UrlPath = TypeAliasType(
    "UrlPath",
    Annotated[
        str,
        Field(
            pattern=r"^\S+$",
            max_length=255,
            description="an exact path, or a prefix such as /v3/*",
        ),
        _in_one_spelling(hosts.read_path),
    ],
)
Url = TypeAliasType(
    "Url",
    Annotated[
        str,
        Field(pattern=r"^\S+$", max_length=1000, description="an absolute URL without a query"),
        _in_one_spelling(hosts.read_url),
    ],
)
Port = TypeAliasType(
    "Port", Annotated[int, Field(ge=1, le=65535, description="a port from 1 to 65535")]
)


class SystemEntry(Shape):
    """Something the company runs or uses; it lives at the destination of its name."""

    kind: Kind
    """`record`: slow, shared, the truth. `engagement`: fast, close to people."""
    owner: Name
    """Who answers for it."""
    title: Line
    """What people call it."""
    unit: Name | None = None
    """The business unit that owns its data, and may forbid flows of it."""


class SystemsFile(Shape):
    """guardrails/systems.yaml: what we use, and the names of its connections."""

    owner: Name
    """Who answers for the list."""
    systems: dict[Name, SystemEntry]
    """Systems by name."""
    connections: dict[DatasetId, Url]
    """Logical name (destination/what): URL."""


class ZoneEntry(Shape):
    """A kind of place."""

    reason: Line
    """What the places have in common."""
    fix: Line | None = None
    """What whoever is refused at its door can do instead."""
    owner: Name | None = None
    """Who answers for its row of the table; without it, the owner of the file."""


class FlowRow(Shape):
    """What may enter a zone: the highest level, and what happens to each category."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Treated] = Field(init=False)

    clearance: Name
    """The highest level that may enter."""


class DestinationEntry(Shape):
    """A listed place; each word narrows what is listed, an absent one does not."""

    zone: Name
    """The kind of place it is."""
    hosts: Annotated[list[Host], *UNIQUE]
    """Its hosts."""
    schemes: Annotated[list[Scheme], *UNIQUE] | None = None
    """Without it, https."""
    ports: Annotated[list[Port], *UNIQUE] | None = None
    """Without it, the usual port of the scheme."""
    methods: Annotated[list[Method], *UNIQUE] | None = None
    """Without it, every method."""
    paths: Annotated[list[UrlPath], *UNIQUE] | None = None
    """Without it, every path."""
    who: Who | None = None
    """Without it, every integration."""
    owner: Name | None = None
    """Who answers for it; without it, the owner of the file."""
    reason: Line
    """Why it is listed."""


class DestinationsFile(Shape):
    """guardrails/destinations.yaml: where data may go, and what may flow there."""

    owner: Name
    """Who answers for zones and destinations that name no owner."""
    zones: dict[Name, ZoneEntry]
    """Kinds of places."""
    flow: dict[Name, FlowRow]
    """The flow table, one row for each zone."""
    unlisted: Name
    """The zone by which a place on no list is judged."""
    destinations: dict[Name, DestinationEntry]
    """Places by name."""
