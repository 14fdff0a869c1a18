"""Obligations that the client fulfils on rows before they go on their way.

drop-fields leaves a field out, mask puts a fixed text or nothing in the place of its value,
tokenise puts a keyed hash there (HMAC with SHA-256, RFC 2104), row-limit keeps the first rows.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import Denied, Reason

Row = dict[str, Any]
DROP, MASK, TOKENISE = "drop-fields", "mask", "tokenise"
ROW_LIMIT, LOG_OUTCOME = "row-limit", "log-outcome"
SUPPORTED = (DROP, MASK, ROW_LIMIT, LOG_OUTCOME)
"""Without `tokenise`, which takes a secret."""

MASKED = "***"
SHORTEST_SECRET = 16
_TREATMENTS = (DROP, TOKENISE, MASK)  # on one field the first of them wins
_TOKEN_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Obligation:
    """A duty: `fields` of a treatment, `rows` of a row-limit."""

    type: str
    fields: frozenset[str] = frozenset()
    rows: int = 0


def read_obligations(
    sent: object, supported: Sequence[str]
) -> tuple[tuple[Obligation, ...], Reason | None]:
    """The obligations in an answer, and what keeps them from being fulfilled, if anything."""
    if not isinstance(sent, list):
        return (), _unknown("obligations")
    read = []
    for each in sent:
        said = each if isinstance(each, dict) else {}
        kind = str(said.get("type"))
        obligation = _read(kind, said.get("properties")) if kind in supported else None
        if obligation is None:
            return (), _unknown(kind)
        read.append(obligation)
    return tuple(read), None


def _read(kind: str, properties: object) -> Obligation | None:
    said = properties if isinstance(properties, dict) else {}
    fields, rows = said.get("fields"), said.get("rows")
    if kind in _TREATMENTS and isinstance(fields, list) and fields:
        return Obligation(kind, frozenset(map(str, fields)))
    if kind == ROW_LIMIT and type(rows) is int:
        return Obligation(kind, rows=rows)
    return Obligation(kind) if kind == LOG_OUTCOME else None


def _unknown(kind: str) -> Reason:
    return Reason(
        "obligation-unknown",
        f"the decision demands `{kind[:64]}`, which this client cannot do",
        "use a newer client, or for tokenise give it `tokenise_with`, a secret",
    )


class Treatment:
    """What obligations do to the rows of one call, however many times rows are handed in."""

    def __init__(
        self, obligations: Iterable[Obligation], named: Iterable[str], secret: bytes | None
    ) -> None:
        """Treat rows with the fields *named* (none: any); *secret* keys the tokens."""
        self._how: dict[str, str] = {}
        self._left: int | None = None
        self._named = frozenset(named)
        self._secret = secret
        for each in obligations:
            for field in each.fields:
                self._how[field] = min(each.type, self._how.get(field, MASK), key=_rank)
            if each.type == ROW_LIMIT:
                self._left = each.rows

    @property
    def is_due(self) -> bool:
        """Whether rows must be handed in at all."""
        return bool(self._how) or self._left is not None

    def apply(self, rows: Iterable[Mapping[str, Any]]) -> list[Row]:
        """New rows as they may go on; the ones handed in stay as they are.

        Raises:
            Denied: a row has a field that the call did not name.
        """
        treated: list[Row] = []
        for row in rows:
            if self._left is not None:
                if self._left <= 0:
                    break
                self._left -= 1
            treated.append(self._row(row))
        return treated

    def _row(self, row: Mapping[str, Any]) -> Row:
        strange = sorted(map(str, row.keys() - self._named)) if self._named else []
        if strange:
            raise Denied([_not_named(strange)])
        do: dict[str | None, Callable[[str, Any], Any]] = {MASK: _mask, TOKENISE: self._token}
        return {
            name: do.get(self._how.get(name), _keep)(name, value)
            for name, value in row.items()
            if self._how.get(name) != DROP
        }

    def _token(self, name: str, value: Any) -> str | None:  # noqa: ANN401 - any value of a row
        """The same for the same value of the same field; None stays None."""
        if value is None:
            return None
        text = json.dumps([name, value], sort_keys=True, default=str).encode()
        digest = hmac.new(self._secret or b"", text, hashlib.sha256).hexdigest()
        return f"tok_{digest[:_TOKEN_DIGITS]}"


def _rank(kind: str) -> int:
    return _TREATMENTS.index(kind)


def _keep(_: str, value: Any) -> Any:  # noqa: ANN401 - any value of a row
    return value


def _mask(_: str, value: object) -> str | None:
    """Neither the length nor the kind of anything but text is shown."""
    return MASKED if isinstance(value, str) else None


def _not_named(fields: Sequence[str]) -> Reason:
    return Reason(
        "fields-not-covered",
        f"rows have fields that the call did not name: {', '.join(fields)}",
        "name them in `fields`, or take them out before `apply`; rename fields only after it",
    )
