"""Counters of rolling limits: what allowed calls have used in the present hour, day and month.

A counter is named `rule whom stretch`, as the record of each call has it; so the log alone tells
all of them, and a restart loses nothing.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec


class Counters:
    """The counters of one server."""

    def __init__(self) -> None:
        self._by_stretch: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._sweep_at: datetime | None = None  # wall clock: when the next stretch may be over

    def used(self, buckets: Mapping[str, str]) -> dict[str, int]:
        """What each limit has counted so far: by rule, for its counter of *buckets*."""
        return {rule: self._value(bucket) for rule, bucket in buckets.items()}

    def add(self, counted: Mapping[str, int], clock: datetime) -> None:
        """Count an allowed call; stretches that are over at *clock* are forgotten."""
        for bucket, amount in counted.items():
            counters = self._by_stretch[_stretch(bucket)]
            counters[bucket] = counters.get(bucket, 0) + amount
        if self._sweep_at and clock < self._sweep_at:
            return
        self._sweep_at = clock.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        now = clock.isoformat()
        for stretch in [each for each in self._by_stretch if each < now[: len(each)]]:
            del self._by_stretch[stretch]

    def take_back(self, counted: Mapping[str, int]) -> None:
        """Undo an `add` whose record never became durable."""
        for bucket, amount in counted.items():
            counters = self._by_stretch.get(_stretch(bucket))
            if counters:
                counters[bucket] -= amount

    def recount(self, leaf: bytes, clock: datetime) -> None:
        """Count what a record of the log has counted, if it did."""
        counted = _read(leaf).counted
        if counted:
            self.add(counted, clock)

    def sums(self) -> dict[str, dict[str, int]]:
        """A copy of all counters, by stretch."""
        return {stretch: dict(counters) for stretch, counters in self._by_stretch.items()}

    def resume(self, sums: Mapping[str, Mapping[str, int]]) -> None:
        """Be what the counters were when `sums` gave these."""
        self._by_stretch.clear()
        self._by_stretch.update((stretch, dict(each)) for stretch, each in sums.items())

    def _value(self, bucket: str) -> int:
        return self._by_stretch.get(_stretch(bucket), {}).get(bucket, 0)


class _Counted(msgspec.Struct):
    """The part of a record that counts; only decisions have it, and only those that allow."""

    counted: dict[str, int] = {}


_read = msgspec.json.Decoder(_Counted).decode


def _stretch(bucket: str) -> str:
    return bucket.rpartition(" ")[2]
