"""Values: what a word of a query means for the field it is given to."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_interface

from lark import Token

from policyd.model.errors import QueryRefused
from policyd.search.fields import STARRED, Field, Kind, near
from policyd.search.query import Level, Moment, Network, Value
from policyd.search.syntax import refused, shown

GREATEST = 2**53 - 1
"""The largest number a record may hold."""

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?")
_CLOCK = re.compile(
    r"[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(Z|z|[+-][0-9]{2}:[0-9]{2})?"
)
_AGO = re.compile(r"-([0-9]{1,9})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_INSTANT = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_TIMES = ("2026-01-31", "2026-01-31T10:00", "-7d", "-2h", "today")
_FORMS = {
    Kind.NUMBER: ("a whole number",),
    Kind.TIME: tuple(f"`{each}`" for each in _TIMES),
    Kind.ADDRESS: ("an address", "a network"),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What values are read by: the moment of asking, in UTC, and the levels, lowest first."""

    now: datetime
    levels: Sequence[str]

    def value(self, field: Field, text: str, token: Token) -> Value:
        """What *text*, from *token*, means as a value of *field*.

        Raises:
            QueryRefused: it means nothing.
        """
        read: dict[Kind, Callable[[str], Value | None]] = {
            Kind.NUMBER: number,
            Kind.TIME: self._moment,
            Kind.ADDRESS: network,
        }
        if field.words:
            return _word(field, text, token)
        if field.kind not in read:
            return text
        try:
            found = read[field.kind](text)
        except (OverflowError, ValueError):
            found = None
        if found is None:
            raise _bad(field, text, token)
        return found

    def level(self, text: str, token: Token) -> Level:
        """The level of this name, among the others.

        Raises:
            QueryRefused: there is none.
        """
        if text in self.levels:
            return Level(text, tuple(self.levels[: self.levels.index(text)]))
        meant = near(text, tuple(self.levels))
        hint = f"did you mean `{meant}`?" if meant else f"there are {_list(self.levels)}"
        raise refused(
            token,
            f"{shown(text)} is no level of labels: {hint}",
            "query-bad-value",
            *(f"`{each}`" for each in self.levels),
        )

    def _moment(self, text: str) -> Moment | None:
        """A time, as the stretch it stands for.

        Raises:
            OverflowError: it is outside the years 1 to 9999.
            ValueError: there is no such day or hour.
        """
        said = text.lower()
        today = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        if said == "now":
            return Moment(said, self.now, self.now + _INSTANT)
        if said == "today":
            return Moment(said, today, today + _DAY)
        if said == "yesterday":
            return Moment(said, today - _DAY, today)
        if ago := _AGO.fullmatch(said):
            then = self.now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            return Moment(said, then, then + _INSTANT)
        return _absolute(text)


def _absolute(text: str) -> Moment | None:
    date = _DATE.match(text)
    if not date:
        return None
    start = datetime(int(date[1]), int(date[2]), int(date[3] or 1), tzinfo=UTC)
    rest = text[date.end() :]
    if not rest and date[3]:
        return Moment(text, start, start + _DAY)
    if not rest:
        return Moment(text, start, (start + timedelta(days=31)).replace(day=1))
    clock = _CLOCK.fullmatch(rest)
    if not clock or not date[3]:
        return None
    hour, minute, second, fraction, zone = clock.groups()
    start = start.replace(hour=int(hour), minute=int(minute), second=int(second or 0))
    if fraction:
        start = start.replace(microsecond=int(fraction.ljust(6, "0")))
    if zone and zone not in "Zz":
        start -= _offset(zone)
    if fraction:
        length = timedelta(microseconds=10 ** (6 - len(fraction)))
    else:
        length = timedelta(seconds=1) if second else timedelta(minutes=1)
    return Moment(text, start, start + length)


def _offset(zone: str) -> timedelta:
    hours, minutes = int(zone[1:3]), int(zone[4:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - hours and minutes
        raise ValueError(zone)
    return timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)


def number(text: str) -> int | None:
    """A whole number that a record may hold."""
    if not re.fullmatch(r"[0-9]{1,16}", text) or int(text) > GREATEST:
        return None
    return int(text)


def network(text: str) -> Network | None:
    """A network, or an address as the network that has only this one.

    Raises:
        ValueError: it is neither.
    """
    if "%" in text or not re.fullmatch(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?", text):
        return None
    return ip_interface(text).network


def unquoted(token: Token) -> tuple[str, bool]:
    """The text a word stands for, and whether it was quoted; stars around it are left out.

    Raises:
        QueryRefused: there is a backslash before anything but a quote or a backslash.
    """
    if '"' not in token:
        return str(token), False
    inside = token.strip("*")[1:-1]
    for escape in _ESCAPE.finditer(inside):
        if escape[1] not in '"\\':
            raise refused(
                token,
                rf"in a quoted text only `\"` and `\\` have a backslash, not {shown(escape[0])};"
                r" write `\\` for the backslash itself",
                "query-bad-value",
            )
    return _ESCAPE.sub(r"\1", inside), True


def bad_star(field: Field, token: Token) -> QueryRefused:
    """The refusal of a star that is not at one end of a value, or whose field has none."""
    said = f"{shown(token)}: a star stands for anything only at one end of a value, `crm/*` or"
    if field.kind is Kind.ANYWHERE:
        said = f"`{field.name}` finds a text wherever it stands; leave out the star"
    elif field.kind not in STARRED:
        said = f"`{field.name}` takes a star only by itself, for any value, not {shown(token)}"
        if field.kind is Kind.ADDRESS:
            said += "; write a network, such as `10.20.0.0/16`"
    else:
        said += ' `*.example`; for text anywhere, write "…" without a field, for a star `"a*b"`'
    return refused(token, said, "query-bad-wildcard")


def _word(field: Field, text: str, token: Token) -> str:
    asked = text.lower()
    if asked in field.words:
        return asked
    meant = near(asked, field.words)
    hint = f"did you mean `{meant}`?" if meant else f"it is {_list(field.words)}"
    raise refused(
        token,
        f"`{field.name}` is never {shown(text)}: {hint}",
        "query-bad-value",
        *(f"`{each}`" for each in field.words),
    )


def _bad(field: Field, text: str, token: Token) -> QueryRefused:
    forms = _FORMS[field.kind]
    said = {
        Kind.NUMBER: f"whole number up to {GREATEST:,}, written without commas",
        Kind.TIME: f"time; write it like {_list(_TIMES)}",
        Kind.ADDRESS: "address or network; write it like `10.1.2.3`, `10.20.0.0/16` or `fd00::/8`",
    }[field.kind]
    return refused(token, f"{shown(text)} is no {said}", "query-bad-value", *forms)


def _list(words: Sequence[str]) -> str:
    """Some words as a sentence has them: `a`, `b` or `c`.

    >>> _list(("a", "b", "c"))
    '`a`, `b` or `c`'
    """
    *rest, last = [f"`{each}`" for each in words] or ["none"]
    return f"{', '.join(rest)} or {last}" if rest else last
