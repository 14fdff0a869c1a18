"""`/v1/destinations/match`: what a URL becomes, and which listed destination takes it."""

from collections import Counter
from typing import Annotated
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from policyd.api.caller import Served, key_with, sender
from policyd.api.match import MatchShown, Sought, shown, sought
from policyd.api.text import PLAIN, PLAIN_BUT_QUERY, SOME_PLAIN, SOME_PLAIN_BUT_QUERY
from policyd.model.errors import CallMalformed
from policyd.model.keys import Key
from policyd.points.explain import WATCHERS

router = APIRouter(prefix="/v1/destinations")
_ASKS = Annotated[Key, Depends(key_with("builder", *WATCHERS, "pep"))]


class LookUp(BaseModel):
    """The parameters; any other is refused, since a misspelt one would make the answer wider.

    Their patterns are for the interface description: the reader of checks is who refuses, in the
    words that a check is refused in.
    """

    model_config = ConfigDict(extra="forbid")

    endpoint: str = Field(
        description="What a check has as `context.endpoint`: a URL, or a connection as `crm/api`",
        json_schema_extra={"pattern": SOME_PLAIN_BUT_QUERY},
    )
    path: str | None = Field(
        None,
        description="A path below `endpoint`",
        json_schema_extra={"pattern": PLAIN_BUT_QUERY},
    )
    method: str | None = Field(
        None,
        description="Of HTTP; not judged if not said",
        json_schema_extra={"pattern": PLAIN},
    )
    subject: str | None = Field(
        None,
        description="An integration, as `unit/name`; not judged if not said",
        json_schema_extra={"pattern": SOME_PLAIN},
    )


def looked_up(request: Request, asked: Annotated[LookUp, Query()]) -> Sought:
    """What the query string asks for.

    Raises:
        CallRefused: it cannot be judged.
    """
    try:
        unquote_to_bytes(request.scope["query_string"]).decode()
    except UnicodeDecodeError:
        # The framework would put another character in its place, and another URL be looked up.
        raise CallMalformed("the query string is not UTF-8") from None
    counts = Counter(name for name, _ in request.query_params.multi_items())
    twice = next((name for name, count in counts.items() if count > 1), None)
    if twice:
        raise CallMalformed(f"`{twice}` is sent twice")
    return sought(asked.endpoint, asked.path, asked.method, asked.subject)


@router.get("/match", response_model_exclude_unset=True, responses={503: {}})
async def match(
    request: Request, service: Served, by: _ASKS, asked: Annotated[Sought, Depends(looked_up)]
) -> MatchShown:
    """What a URL or connection becomes, which entry takes it, and which nearly do.

    It is recorded, but it is no decision. Builders and PEPs name their own integrations alone.
    """
    looked = await service.places.match(sender(request, by), asked.call)
    is_pep_alone = not by.has_role("builder", *WATCHERS)
    in_full = by.has_role(*WATCHERS)
    return shown(asked, looked.match, looked.snapshot, in_part=is_pep_alone, in_full=in_full)
