"""Alarm: whatever is still under way when its time is over is interrupted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from time import monotonic

_NEVER = float("inf")
_AGAIN_S = 0.05


class Alarm:
    """Interrupts what takes too long; one thing at a time is under way.

    One thread for all: a new one for each statement took a tenth of the time of short ones.

    Args:
        interrupt: Has it end; called until it does.
    """

    def __init__(self, interrupt: Callable[[], object]) -> None:
        self._interrupt = interrupt
        self._changed = Condition()
        self._due = _NEVER  # when to interrupt, by the monotonic clock
        self._wakes = _NEVER  # when the thread looks by itself
        self._is_over = False
        self._thread = Thread(target=self._watch, daemon=True, name="alarm")
        self._thread.start()

    @contextmanager
    def after(self, seconds: float) -> Iterator[None]:
        """Interrupt the block if it is not through by then."""
        with self._changed:
            self._due = monotonic() + seconds
            if self._due < self._wakes:  # mostly the thread wakes early enough, and need not yet
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._due = _NEVER

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self._thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_over:
                left = self._due - monotonic()
                if left <= 0:
                    self._interrupt()
                    # A statement that just begins does not hear it: until it ends, it is told so.
                    left = _AGAIN_S
                self._wakes = monotonic() + left
                self._changed.wait(None if left == _NEVER else left)
