"""The assessor: a process of its own that reviews one change for a server, and ends.

    python -m policyd.search.assessor

It reads two trees, the time, and perhaps which part of which log to replay, packed, from its
standard input, and writes a line of JSON for each step; the last line has the assessment. A proof
may take minutes, and so may a log; here they are in nobody's way.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from policyd.ledger.cold import Cold
from policyd.ledger.parquet import Files
from policyd.ledger.reader import Reader
from policyd.ledger.shelf import Shelf
from policyd.ledger.signing import Signer
from policyd.policy.packing import unpack
from policyd.review.assessing import assess
from policyd.review.replayed import Replaying
from policyd.search.past import Past
from policyd.search.trusted import Trusted

NICENESS = 10
"""Checks go before reviews."""

ASIDE = ".replay"
"""The folder, beside the segments, for what does not fit into memory."""

_READ_S = 10.0  # for one look into the ledger's file


def main() -> int:
    """Assess what comes in; the exit status."""
    os.nice(NICENESS)
    base, head, now, replaying = unpack(sys.stdin.buffer.read())
    with past_of(replaying) as past:
        found = assess(base, head, now, lambda step: _tell({"step": step}), past)
    _tell({"assessment": msgspec.to_builtins(found)})
    return 0


@contextmanager
def past_of(replaying: Replaying | None) -> Iterator[Past | None]:
    """The part of a log that is to be replayed, if one is."""
    if replaying is None:
        yield None
        return
    data, level = Path(replaying.data), replaying.level
    signer = Signer.load(data / "keys/signing.key")
    shelf = Shelf(data, level)
    aside = shelf.folder / ASIDE
    shutil.rmtree(aside, ignore_errors=True)  # of one that was killed
    aside.mkdir(parents=True, mode=0o700)
    with (
        closing(Cold(shelf, signer)) as cold,
        closing(Reader(data / "ledger.db", cold, seconds=_READ_S)) as reader,
        closing(Files(aside)) as files,
    ):
        yield Past(reader, Trusted(shelf, signer), files, replaying.wanted)


def _tell(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
