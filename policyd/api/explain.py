"""`POST /v1/explain`: how the decision on a call would come about; never an answer to it."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Depends, Request, Response

from policyd.api.caller import Served, key_with, sender
from policyd.api.wire import as_call
from policyd.model.explanation import Explanation
from policyd.model.keys import Key
from policyd.points.explain import WATCHERS

PATH = "/v1/explain"
router = APIRouter(prefix=PATH)
MayAsk = Annotated[Key, Depends(key_with("builder", *WATCHERS))]


@router.post("", response_model=Explanation, responses={503: {}})
async def explain(
    said: Annotated[dict[str, Any], Body()], request: Request, service: Served, by: MayAsk
) -> Response:
    """Every check of a call, with the rules it goes by and what nearly covered it.

    The body is that of a check. Nothing is decided: the answer has no `decision`, no limit counts
    it, and what is recorded is the question. A builder asks about its own integrations.
    """
    asked = as_call(said, by.supported_obligations)
    explained = await service.explain.explain(sender(request, by), asked.call)
    return Response(msgspec.json.encode(explained), media_type="application/json")
