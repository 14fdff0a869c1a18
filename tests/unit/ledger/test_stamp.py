"""Stamps: unique, in order, never behind the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyd.ledger.stamp import Stamper, millisecond_of, moment, timestamp, uuid7
from policyd.model.errors import ClockBehind
from policyd_audit import record as audit

if TYPE_CHECKING:
    from tests.unit.ledger.conftest import Clock, Entropy

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis wants naive bounds


@given(TIMES, st.binary(min_size=10, max_size=10))
def test_id_has_the_millisecond_of_its_time(at: datetime, random: bytes) -> None:
    """An id leads to its record's time, so that the log needs no index by id."""
    start = millisecond_of(uuid7(at, random))
    assert start is not None
    assert timestamp(at).startswith(start)


@given(TIMES)
def test_timestamp_and_moment_are_inverse(at: datetime) -> None:
    """A record's `ts` spells its time to the microsecond."""
    assert moment(timestamp(at)) == at


@given(TIMES, TIMES)
def test_timestamps_sort_like_times(one: datetime, other: datetime) -> None:
    """Times in records can be compared as texts."""
    assert (one < other) == (timestamp(one) < timestamp(other))


def test_auditor_reads_the_same_time_from_id_and_ts(clock: Clock, entropy: Entropy) -> None:
    """The auditor's tool finds the id's millisecond in the `ts` of the same stamp."""
    clock.move(microseconds=123_999)
    stamp = Stamper(None, clock, entropy).draw()
    assert audit.id_millisecond(stamp.id) == audit.ts_millisecond(stamp.ts)


def test_known_uuid() -> None:
    """The id is laid out as RFC 9562 says, with its example (appendix A.6)."""
    at = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    assert (
        uuid7(at, bytes.fromhex("cc318c4dc0c0c07398f0")) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",  # version 4
        "017f22e2-79b0-7cc3-18c4-dc0c0c07398f",  # another variant
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",  # upper case
        "017f22e279b07cc398c4dc0c0c07398f",
        "0x7f22e2-79b0-7cc3-98c4-dc0c0c07398f",
        "ffffffff-ffff-7cc3-98c4-dc0c0c07398f",  # beyond the year 9999
    ],
)
def test_what_is_no_id_has_no_time(text: str) -> None:
    """A text that is no UUIDv7 in its one spelling is nobody's id."""
    assert millisecond_of(text) is None


def test_stamps_are_unique(clock: Clock, entropy: Entropy) -> None:
    """Stamps of one moment differ in id and nonce, beyond one draw of randomness."""
    stamper = Stamper(None, clock, entropy)
    stamps = [stamper.draw() for _ in range(1000)]
    assert len({stamp.id for stamp in stamps}) == len({stamp.nonce for stamp in stamps}) == 1000


def test_time_never_goes_back(clock: Clock, entropy: Entropy) -> None:
    """A clock set back a little is waited for: times stand still until it has caught up."""
    stamper = Stamper(None, clock, entropy)
    first = stamper.draw()
    clock.move(seconds=-5)
    assert stamper.draw().ts == first.ts
    assert stamper.behind == timedelta(seconds=5)
    clock.move(seconds=6)
    assert stamper.draw().ts > first.ts
    assert stamper.behind == timedelta(0)


def test_clock_far_behind_the_log_stamps_nothing(clock: Clock, entropy: Entropy) -> None:
    """A clock more than five seconds behind the last record is refused, and what to do said."""
    stamper = Stamper(clock() + timedelta(seconds=5, microseconds=1), clock, entropy)
    with pytest.raises(ClockBehind, match=r"12:00:05\.000001Z: set the clock") as caught:
        stamper.draw()
    assert caught.value.code == "clock-behind"
    clock.move(microseconds=1)
    assert stamper.draw().ts == "2026-03-01T12:00:05.000001Z"


def test_an_empty_log_takes_any_time(clock: Clock, entropy: Entropy) -> None:
    """Nothing is behind an empty log."""
    stamper = Stamper(None, clock, entropy)
    assert stamper.behind == timedelta(0)
    assert stamper.draw().at == clock.now
