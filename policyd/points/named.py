"""What the log says is in force: the newest record that names a published snapshot."""

from collections.abc import Iterator

import msgspec

from policyd.ledger import record
from policyd.ledger.reader import Reader
from policyd.ledger.view import Found
from policyd.model.errors import DataFolderError

PUBLISHED = "published"
"""The source of decisions by trees of the registry, as records name it."""
_PAGE = 500


class _Line(msgspec.Struct):
    """What decisions and changes of policy have in common."""

    kind: str
    snapshot: str = ""
    source: str = ""


_line = msgspec.json.Decoder(_Line).decode
_change = msgspec.json.Decoder(record.PolicyChange).decode


def named_in_force(reader: Reader) -> str | None:
    """The digest of the published snapshot in force; None if there never was one.

    Every decision's snapshot is that of the last `policy_change` before it, so whichever of the
    two is the newest says it, and the log need not be read back to the change itself.

    Raises:
        DataFolderError: the records that would say it are lost.
        LedgerUnavailable: the log cannot be read.
    """
    for found in _backwards(reader):
        line = _line(found.leaf)
        if line.kind in {"decision", "policy_change"} and line.source == PUBLISHED:
            return line.snapshot
    return None


def published(reader: Reader) -> Iterator[record.PolicyChange]:
    """The records that say that somebody put a tree of the registry in force, the newest first.

    Raises:
        DataFolderError: the records that would say it are lost.
        LedgerUnavailable: the log cannot be read.
    """
    for found in _backwards(reader):
        line = _line(found.leaf)
        if line.kind == "policy_change" and line.source == PUBLISHED:
            said = _change(found.leaf)
            if said.reason not in {"start", "reload"}:
                yield said


def _backwards(reader: Reader) -> Iterator[Found]:
    cursor: int | None = None
    while True:
        page = reader.page(limit=_PAGE, cursor=cursor)
        if page.lost:
            lost = page.lost[0]
            raise DataFolderError(
                f"records {lost.start} to {lost.stop - 1} cannot be read, and they would say which"
                " policy is in force: restore their segment from a copy",
                code="in-force-unknown",
            )
        yield from page.records
        if page.cursor is None:
            return
        cursor = page.cursor
