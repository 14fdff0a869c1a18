"""`/v1/outcomes`: what became of a call, from whoever asked whether it may run."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from policyd.api.caller import Served, key_of, sender
from policyd.model.keys import Key
from policyd.points.outcomes import Outcome

router = APIRouter(prefix="/v1/outcomes")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has a control character")
    return text


Printable = AfterValidator(_printable)
Count = Annotated[int, Field(ge=0, lt=2**53)]  # exact in every JSON reader (I-JSON)


class OutcomeReport(BaseModel):
    """What became of one call; `error` names the kind of failure and quotes no data."""

    model_config = ConfigDict(extra="forbid", strict=True)

    decision_id: Annotated[str, Field(max_length=64), Printable]
    status: Literal["ok", "failed"]
    rows: Count | None = None
    bytes: Count | None = None
    error: Annotated[str, Field(max_length=160), Printable] | None = None


class OutcomeRecorded(BaseModel):
    """The id of the outcome's record, and its status: `ran-despite-deny` of a denied call."""

    id: str
    status: str


@router.post("", status_code=201)
async def report(
    said: OutcomeReport, request: Request, service: Served, by: Annotated[Key, Depends(key_of)]
) -> OutcomeRecorded:
    """Say, once and with the key that got the decision, what became of the call."""
    outcome = Outcome(said.decision_id, said.status, said.rows, said.bytes, said.error)
    made, status = await service.outcomes.report(sender(request, by), outcome)
    return OutcomeRecorded(id=made, status=status)
