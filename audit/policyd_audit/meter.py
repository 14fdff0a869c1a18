"""Meter: the progress of a long run, on a terminal."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import TextIO

STEP = 65_536


class Meter(AbstractContextManager["Meter"]):
    """One line that is written over every `STEP` records; silent where nobody watches.

    Args:
        stream: Where to write, if it is a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._steps = 0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream and self._steps:
            self._stream.write("\n")

    def show(self, done: int, size: int) -> None:
        """Write that *done* of *size* records are checked, if a step was passed."""
        steps = done // STEP
        if self._stream and steps > self._steps:
            self._steps = steps
            self._stream.write(f"\r{done:,} of {size:,} records")
            self._stream.flush()
