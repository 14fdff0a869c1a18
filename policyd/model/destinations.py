"""Destinations: the listed places data may go, and the zones they stand in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from policyd.model.labels import Treatment

PORTS = {"https": 443, "sftp": 22, "mqtts": 8883, "smtps": 465}
"""The schemes a call may use, all of them encrypted, with their usual ports."""


class CanonicalUrl(NamedTuple):
    """A URL in the one spelling by which it is compared and recorded."""

    scheme: str
    host: str  # a-labels in lower case, or an IP address as `ipaddress` prints it
    port: int
    path: str

    def __str__(self) -> str:
        """The URL; a usual port is left out.

        >>> str(CanonicalUrl("https", "crm.example", 443, "/v3"))
        'https://crm.example/v3'
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


@dataclass(frozen=True, slots=True)
class Zone:
    """A kind of place, and its row of the flow table."""

    name: str
    owner: str
    reason: str
    fix: str | None
    clearance: int  # rank of the highest level that may enter
    treatments: Mapping[str, Treatment]  # for every category
    cells: Mapping[str, tuple[Treatment, str]] = field(init=False, repr=False, compare=False)
    """The categories that do not just pass: with their treatment, and the cell's reference."""

    def __post_init__(self) -> None:
        cells = {
            category: (how, f"zone:{self.name}/{category}")
            for category, how in sorted(self.treatments.items())
            if how is not Treatment.PASS
        }
        object.__setattr__(self, "cells", cells)


@dataclass(frozen=True, slots=True)
class Destination:
    """A listed place; each field narrows what is listed, an empty one does not."""

    name: str
    zone: str
    owner: str
    reason: str
    hosts: frozenset[str]  # exact, canonical
    suffixes: tuple[str, ...]  # ".suffix" for what a policy file writes as "*.suffix"
    networks: tuple[IPv4Network | IPv6Network, ...]
    schemes: frozenset[str]
    ports: frozenset[int]  # empty: the scheme's usual port
    paths: tuple[str, ...]  # exact, or everything below "/prefix/*"
    methods: frozenset[str]
    who: frozenset[str]
