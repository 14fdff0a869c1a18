"""Frames and replies: whatever pieces they arrive in, they come out whole and in order."""

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from policyd.ledger.frames import (
    MAX_BATCH,
    Committed,
    Failed,
    Frames,
    Ready,
    Replies,
    Reply,
    frame,
    reply,
)

RECORDS = st.lists(st.binary(max_size=20), min_size=1, max_size=300)
MESSAGES = (
    Ready(0, None),
    Ready(7, "2026-03-01T12:00:00.000000Z"),
    Committed(3, 12, 0.25),
    Failed("disk-full", "the disk is full"),
)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data as a socket may deliver it, cut somewhere."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def batches(arrived: Frames) -> Iterator[tuple[int, list[bytes]]]:
    """All batches that have arrived."""
    while (batch := arrived.batch()).frames:
        yield batch.frames, batch.records


@given(st.lists(RECORDS, max_size=6), st.lists(st.integers(0, 10**6), max_size=10))
def test_frames_arrive_whole_and_in_order(sent: list[list[bytes]], cuts: list[int]) -> None:
    """However the socket cuts them, all records arrive once, in order, no frame divided."""
    arrived, waiting, records = Frames(), list(sent), []
    for piece in pieces(b"".join(map(frame, sent)), cuts):
        arrived.feed(piece)
        for frames, batch in batches(arrived):
            assert batch == [record for each in waiting[:frames] for record in each]
            assert len(batch) <= MAX_BATCH
            records += batch
            del waiting[:frames]
    assert not waiting
    assert records == [record for each in sent for record in each]


def test_a_batch_takes_what_fits() -> None:
    """Frames share a transaction up to the bound, and the next one takes the rest."""
    arrived = Frames()
    arrived.feed(b"".join(frame([b"x"] * count) for count in (MAX_BATCH - 1, 1, 1)))
    assert [frames for frames, _ in batches(arrived)] == [2, 1]


@given(st.lists(st.sampled_from(MESSAGES), max_size=5), st.lists(st.integers(0, 300), max_size=8))
def test_replies_arrive_whole_and_in_order(sent: list[Reply], cuts: list[int]) -> None:
    """However the socket cuts them, replies are heard once and in order."""
    arrived = Replies()
    heard = [
        message
        for piece in pieces(b"".join(map(reply, sent)), cuts)
        for message in arrived.feed(piece)
    ]
    assert heard == sent
