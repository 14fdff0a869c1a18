"""Named stretches of the company's wall clock: weekly hours and dated freezes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, tzinfo


@dataclass(frozen=True, slots=True)
class Hours:
    """A weekly stretch. One that ends at or before its start runs past midnight."""

    days: frozenset[int]  # Monday is 0
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Span:
    """A dated stretch of wall-clock time, without its end."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """All named stretches and the time zone in which they are meant; one name, one stretch."""

    zone: tzinfo
    zone_name: str
    hours: Mapping[str, Hours]
    freezes: Mapping[str, tuple[Span, ...]]
