"""Parameters of questions about the log; what is not one of them is refused, by name."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated
from urllib.parse import unquote_to_bytes

from fastapi import Depends, Query, Request
from pydantic import AfterValidator, BeforeValidator

from policyd.model.errors import CallMalformed
from policyd.points.search import LONGEST_QUERY, Asked

_MALFORMED = "request-malformed"
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]"
    r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


def _written_out(text: object) -> object:
    """The text, if it is a time with its date, and not a number of seconds since some moment."""
    if isinstance(text, str) and not _RFC_3339.fullmatch(text):
        raise ValueError("write it like 2026-11-10T10:00:00Z")
    return text


def _utc(moment: datetime | None) -> datetime | None:
    """The time in UTC, for which it is taken if it names no zone."""
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("it is outside the years 1 to 9999 in UTC") from None


Instant = Annotated[datetime | None, BeforeValidator(_written_out), AfterValidator(_utc)]
"""A time with its date, in UTC if it names no zone."""
Moment = Annotated[Instant, Query()]
QueryText = Annotated[
    str | None,
    Query(
        description="Which records, in the query language: `decision:deny unit:sales after:-7d`",
        json_schema_extra={"maxLength": LONGEST_QUERY},
    ),
]


def asked(q: QueryText = None, after: Moment = None, before: Moment = None) -> Asked:
    """Which records are asked about; a time without a zone is taken for UTC."""
    return Asked(q, after, before)


WhichRecords = Annotated[Asked, Depends(asked)]


def only(*names: str) -> Callable[[Request], None]:
    """A dependency: no parameters but these, each once, in UTF-8.

    A misspelt one would make the answer wider, and nobody would know.
    """

    def checked(request: Request) -> None:
        for pair in request.scope["query_string"].split(b"&"):
            _check_utf8(pair)
        given = [name for name, _ in request.query_params.multi_items()]
        for name in given:
            if name not in names:
                raise CallMalformed(_unknown(name, names), code="parameter-unknown")
            if given.count(name) > 1:
                raise CallMalformed(f"`{name}` is there twice: say it once", code=_MALFORMED)

    return checked


def _check_utf8(pair: bytes) -> None:
    try:
        unquote_to_bytes(pair).decode()
    except UnicodeDecodeError:
        # The framework would put another character in its place, and something else be looked for.
        name = pair.partition(b"=")[0].decode("ascii", "replace")[:40]
        raise CallMalformed(f"`{name}`: it is not UTF-8", code=_MALFORMED) from None


def _unknown(name: str, names: tuple[str, ...]) -> str:
    near = get_close_matches(name[:40], names, n=1)
    meant = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(names)}"
    return f"`{name[:40]}` is no parameter of this: {meant}"
