"""Policy tests out of calls that somebody saw: a witness of a review, a record of the log."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from policyd.cli.findings import check_folder, told_in
from policyd.cli.output import say_text
from policyd.model.errors import UsageError

if TYPE_CHECKING:
    from policyd.review.told_calls import ToldCall
    from policyd.review.written_cases import Expected


class Expect(StrEnum):
    """Which answer a written test expects."""

    RECORDED = "recorded"
    TREE = "tree"
    ALLOW = "allow"
    DENY = "deny"


def say_case_of_witness(folder: Path, number: int, review: Path, expect: Expect | None) -> None:
    """Print the test of the witness of a review's region; as the tree at *folder* decides it."""
    from policyd.review.told_calls import of_witness

    try:
        read = review.read_bytes()
    except OSError as error:
        raise UsageError(
            f"`{review}` cannot be read: {error.strerror}", code="file-unreadable"
        ) from None
    why = f"The witness of region {number} of {review.name}"
    _say(folder, of_witness(read, number), why, expect or Expect.TREE)


def say_case_of_record(folder: Path, record_id: str, url: str, expect: Expect | None) -> None:
    """Print the test of the call of a record, for the tree at *folder*; as it was decided."""
    from policyd.cli.reply import having
    from policyd.cli.server import Server
    from policyd.review.told_calls import of_record

    path = f"/v1/audit/records/{quote(record_id, safe='/')}"
    body = having(("record",), Server.at(url).ask("GET", path).body)
    told = of_record(body["record"])
    _say(folder, told, f"The call of record {record_id}", expect or Expect.RECORDED)


def _say(folder: Path, told: "ToldCall", why: str, expect: Expect) -> None:
    from policyd.engine.decide import Engine
    from policyd.policy.load import load
    from policyd.review.written_cases import written

    check_folder(folder)
    with told_in(folder):
        engine = Engine(load(folder))
    say_text(written(engine, told.call, told.now, told.used, why, _expected(told, expect)))


def _expected(told: "ToldCall", expect: Expect) -> "Expected | None":
    """What the test expects; None: as the tree decides.

    Raises:
        UsageError: nothing was recorded of the call.
    """
    from policyd.review.written_cases import Expected

    if expect is Expect.RECORDED and told.recorded is None:
        raise UsageError(
            "a witness was never recorded: expect `tree`, `allow` or `deny`", code="not-recorded"
        )
    if expect is Expect.RECORDED:
        return told.recorded
    return None if expect is Expect.TREE else Expected(expect is Expect.ALLOW)
