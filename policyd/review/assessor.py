"""The assessor: a process of its own that reviews one change for a server, and ends.

    python -m policyd.review.assessor

It reads two trees and the time, packed, from its standard input, and writes a line of JSON for each
step; the last line has the assessment. A proof may take minutes; here it is in nobody's way.
"""

import json
import os
import sys

import msgspec

from policyd.policy.packing import unpack
from policyd.review.assessing import assess

NICENESS = 10
"""Checks go before reviews."""


def main() -> int:
    """Assess what comes in; the exit status."""
    os.nice(NICENESS)
    base, head, now = unpack(sys.stdin.buffer.read())
    found = assess(base, head, now, lambda step: _tell({"step": step}))
    _tell({"assessment": msgspec.to_builtins(found)})
    return 0


def _tell(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
