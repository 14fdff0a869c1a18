"""Stamps: the id, time and nonce of a record, drawn in the order of the log."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from policyd.model.errors import ClockBehind

TOLERANCE = timedelta(seconds=5)
"""How far the clock may be behind the last record before nothing is answered any more."""

_DRAW = 8192  # bytes of randomness drawn from the system at a time
_ID_DIGITS = 20  # hexadecimal ones for an id, of which it uses 74 bits
_DIGITS = _ID_DIGITS + 32  # of one stamp: those, and the nonce
_SECOND_TO_MICROSECOND = len("2026-01-01T00:00:00.000000")
_MILLISECOND = len("2026-01-01T00:00:00.000")
_ONE_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Stamp(NamedTuple):
    """What makes a record unique, and when it was made; `ts` spells `at`."""

    at: datetime  # aware UTC
    ts: str
    id: str  # UUIDv7 of the same millisecond
    nonce: str  # 128 random bits, so that nobody can guess a record from its leaf hash


def timestamp(at: datetime) -> str:
    """The time as RFC 3339 in UTC, with microseconds and `Z`; such texts sort like times.

    >>> timestamp(datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    '2026-03-01T12:30:00.000000Z'
    """
    return at.astimezone(UTC).isoformat("T", "microseconds")[:_SECOND_TO_MICROSECOND] + "Z"


def moment(ts: str) -> datetime:
    """The time that a record's `ts` spells."""
    return datetime.fromisoformat(ts)


def uuid7(at: datetime, random: bytes) -> str:
    """The UUID of version 7 for a time and ten random bytes (RFC 9562, section 5.7)."""
    return _uuid7((at - _EPOCH) // _ONE_MILLISECOND, random.hex())


def _uuid7(milliseconds: int, digits: str) -> str:
    elapsed = f"{milliseconds:012x}"
    variant = "89ab"[int(digits[3], 16) & 3]
    return f"{elapsed[:8]}-{elapsed[8:]}-7{digits[:3]}-{variant}{digits[4:7]}-{digits[7:19]}"


def millisecond_of(uuid: str) -> str | None:
    """The start of every `ts` in the millisecond of a UUIDv7; None if it is not one.

    >>> millisecond_of("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    '2022-02-22T19:22:22.000'
    """
    if not _UUID7.fullmatch(uuid):
        return None
    try:
        at = _EPOCH + timedelta(milliseconds=int(uuid[:8] + uuid[9:13], 16))
    except OverflowError:  # beyond the year 9999
        return None
    return timestamp(at)[:_MILLISECOND]


class _Second:
    """A second, spelt once for all the stamps drawn in it."""

    def __init__(self, at: datetime) -> None:
        self.start = at.replace(microsecond=0)
        self._milliseconds = (self.start - _EPOCH) // _ONE_MILLISECOND
        self._text = timestamp(self.start)[: -len("000000Z")]

    def stamp(self, at: datetime, microseconds: int, digits: str) -> Stamp:
        """The stamp of *at*, which is so many *microseconds* into the second."""
        return Stamp(
            at,
            f"{self._text}{microseconds:06d}Z",
            _uuid7(self._milliseconds + microseconds // 1000, digits),
            digits[_ID_DIGITS:],
        )


class Stamper:
    """Draws stamps whose time never goes back, not even behind the last record.

    Args:
        last: Time of the last committed record; None for an empty log.
        clock: The machine's time, aware.
        entropy: As `os.urandom`.
    """

    def __init__(
        self,
        last: datetime | None,
        clock: Callable[[], datetime],
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._last = last
        self._second = _Second(_EPOCH)
        self._clock = clock
        self._entropy = entropy
        self._pool = ""
        self._at = 0

    @property
    def behind(self) -> timedelta:
        """How far the clock is behind the last stamp; zero if it is not."""
        if self._last is None:
            return timedelta(0)
        return max(timedelta(0), self._last - self._clock())

    def draw(self) -> Stamp:
        """The next stamp.

        Raises:
            ClockBehind: the clock is too far behind the last stamp or record.
        """
        now = self._clock()
        if self._last is not None and now < self._last:
            if self._last - now > TOLERANCE:
                raise ClockBehind(
                    f"the clock says {timestamp(now)}, but a record was written at "
                    f"{timestamp(self._last)}: set the clock, or wait until it has caught up"
                )
            now = self._last
        self._last = now
        elapsed = now - self._second.start
        if elapsed.seconds or elapsed.days:
            self._second = _Second(now)
            elapsed = now - self._second.start
        return self._second.stamp(now, elapsed.microseconds, self._random())

    def _random(self) -> str:
        """Random digits for one stamp; drawing many at once spares a system call each."""
        if len(self._pool) - self._at < _DIGITS:
            self._pool, self._at = self._entropy(_DRAW).hex(), 0
        self._at += _DIGITS
        return self._pool[self._at - _DIGITS : self._at]
