"""Condition: what a question's scope comes to in SQL, over the columns of segments.

The asker's bounds and the stretch of time stand beside the compiled text, never in it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from policyd.model.errors import QueryRefused
from policyd.search.asking import Bounds, Scope
from policyd.search.contents import Contents, may_be_asked, may_have
from policyd.search.fields import FIELDS
from policyd.search.language import parse
from policyd.search.query import Place
from policyd.search.sql import where

_OWN = (
    "(kind = 'decision' and coalesce(list_contains($own_units, split_part(integration, '/', 1))"
    " or list_contains($own_integrations, integration), false))"
)
"""Holds of decisions about integrations that a bound key speaks for: see `Key.speaks_for`."""

ANYWHERE = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of SQL and its parameters.

    Attributes:
        text: Over the columns of segments.
        parameters: By their names.
        asks_outcomes: Whether it needs the table `outcomes`, see `sql.OUTCOMES`.
        may_hold: Whether it may hold of a record among such contents.
    """

    text: str
    parameters: dict[str, Any]
    asks_outcomes: bool = False
    may_hold: Callable[[Contents], bool] = lambda _contents: True


def condition(scope: Scope) -> Condition:
    """What *scope* comes to.

    Raises:
        QueryRefused: its text cannot be read, or asks about what the asker may not.
    """
    query = parse(scope.text, now=datetime.fromisoformat(scope.now), levels=scope.levels)
    for field, place in query.places.items():
        check_rights(field, scope.roles, place)
    found = where(query)
    parts, parameters = [f"({found.text})"], dict(found.parameters)
    for name, sign, said in (("after", ">=", scope.after), ("before", "<", scope.before)):
        if said is not None:
            parts.append(f"ts {sign} ${name}")
            parameters[name] = datetime.fromisoformat(said).astimezone(UTC).replace(tzinfo=None)
    if scope.bounds:
        parts.append(_OWN)
        parameters |= _own(scope.bounds)

    def may_hold(contents: Contents) -> bool:
        return may_be_asked(contents, scope) and may_have(contents, query.condition)

    return Condition(" and ".join(parts), parameters, found.asks_outcomes, may_hold)


def _own(bounds: Bounds) -> dict[str, Any]:
    return {"own_units": list(bounds.units), "own_integrations": list(bounds.integrations)}


def check_rights(field: str, roles: Collection[str], place: Place = ANYWHERE) -> None:
    """Nothing, if a key with these roles may ask about a field, be it at a *place* of a query.

    Raises:
        QueryRefused: it may not.
    """
    needed = FIELDS[field].roles
    if needed and not set(needed) & set(roles):
        raise QueryRefused(
            f"asking about `{field}` needs a key with the role {' or '.join(needed)}",
            column=place.column,
            length=place.length,
            code="query-field-forbidden",
        )
