"""A sealer to be killed: seals a small ledger, and kills itself at a step.

python sealing_process.py FOLDER STEP NTH
"""

import itertools
import os
import signal
import sys
from pathlib import Path

from policyd.ledger.sealer import run


def main(folder: Path, step: str, nth: int) -> None:
    """Seal segments of 256 records, until the *nth* time that it is *step*'s turn."""
    seen = itertools.count()

    def die_at(name: str) -> None:
        if name == step and next(seen) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    ended = run(folder, 1, None, die_at)
    print(ended.code or "done")  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
