"""Call: one integration call that asks to run, as its PEP described it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """A type and an id, such as a person on whose behalf an integration acts."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Call:
    """One flow, in the parts of DESIGN's table; what was not said is None or empty.

    Nothing here is trusted to grant: labels can only raise, and what the snapshot knows of the
    subject comes from the snapshot.
    """

    subject: Entity
    action: str
    resource: Entity
    fields: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    endpoint: str | None = None
    path: str | None = None
    method: str | None = None
    sources: tuple[str, ...] = ()  # of a write: datasets the written data comes from
    on_behalf_of: tuple[Entity, ...] = ()
    rows: int | None = None
    bytes: int | None = None
    purpose: str | None = None
    traceparent: str | None = None
    supported_obligations: tuple[str, ...] = ()
