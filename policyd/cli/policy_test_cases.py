"""Policy tests out of calls that somebody saw: a witness of a review, a record of the log."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from policyd.cli.findings import check_folder, told_in
from policyd.cli.output import say_text
from policyd.model.errors import UsageError

if TYPE_CHECKING:
    from policyd.review.told_calls import ToldCall


def say_case_of_witness(folder: Path, number: int, review: Path) -> None:
    """Print the test that holds on the tree at *folder* for the witness of a review's region."""
    from policyd.review.told_calls import of_witness

    try:
        read = review.read_bytes()
    except OSError as error:
        raise UsageError(
            f"`{review}` cannot be read: {error.strerror}", code="file-unreadable"
        ) from None
    _say(folder, of_witness(read, number), f"The witness of region {number} of {review.name}")


def say_case_of_record(folder: Path, record_id: str, url: str) -> None:
    """Print the test that holds on the tree at *folder* for the call of a record."""
    from policyd.cli.reply import having
    from policyd.cli.server import Server
    from policyd.review.told_calls import of_record

    path = f"/v1/audit/records/{quote(record_id, safe='/')}"
    body = having(("record",), Server.at(url).ask("GET", path).body)
    _say(folder, of_record(body["record"]), f"The call of record {record_id}")


def _say(folder: Path, told: "ToldCall", why: str) -> None:
    from policyd.engine.decide import Engine
    from policyd.policy.load import load
    from policyd.review.written_cases import written

    check_folder(folder)
    with told_in(folder):
        engine = Engine(load(folder))
    say_text(written(engine, told.call, told.now, told.used, why))
