"""The progress of a long run."""

import io

from policyd_audit.meter import STEP, Meter


class Terminal(io.StringIO):
    """A stream somebody watches."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def written(stream: io.StringIO, *done: int) -> str:
    """What a run writes that comes to these numbers of records."""
    with Meter(stream) as meter:
        for number in done:
            meter.show(number, 4 * STEP)
    return stream.getvalue()


def test_each_step_is_shown_once() -> None:
    """A terminal gets one line, written over at each step and ended at the end."""
    assert written(Terminal(), 256, STEP, STEP + 256, 2 * STEP + 1) == (
        "\r65,536 of 262,144 records\r131,073 of 262,144 records\n"
    )


def test_a_short_run_shows_nothing() -> None:
    """A ledger of a few records is checked without a word of progress."""
    assert written(Terminal(), 256, STEP - 1) == ""


def test_a_file_gets_no_progress() -> None:
    """Where nobody watches, nothing is written."""
    assert written(io.StringIO(), STEP, 2 * STEP) == ""
