"""`/v1/outcomes`: what became of a call, from whoever asked whether it may run."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from policyd.api.caller import Served, key_of, sender
from policyd.model.keys import Key
from policyd.points.outcomes import Outcome, UnaskedCall

router = APIRouter(prefix="/v1/outcomes")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has a control character")
    return text


Printable = AfterValidator(_printable)
Count = Annotated[int, Field(ge=0, lt=2**53)]  # exact in every JSON reader (I-JSON)


Name = Annotated[str, Field(max_length=160), Printable]


class Unasked(BaseModel):
    """A call that ran without a decision."""

    model_config = ConfigDict(extra="forbid", strict=True)

    subject: Name
    action: Name
    data: Name


class OutcomeReport(BaseModel):
    """What became of one call; `error` names the kind of failure and quotes no data.

    The call is named by `decision_id`, or described by `unasked` if there was no answer.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    decision_id: Annotated[str, Field(max_length=64), Printable] | None = None
    unasked: Unasked | None = None
    status: Literal["ok", "failed"]
    rows: Count | None = None
    bytes: Count | None = None
    error: Name | None = None

    @model_validator(mode="after")
    def _one_call(self) -> Self:
        if (self.decision_id is None) == (self.unasked is None):
            raise ValueError("say either `decision_id` or `unasked`")
        return self


class OutcomeRecorded(BaseModel):
    """The id of the outcome's record, and its status: `ran-despite-deny` or `ran-unasked`."""

    id: str
    status: str


@router.post("", status_code=201)
async def report(
    said: OutcomeReport, request: Request, service: Served, by: Annotated[Key, Depends(key_of)]
) -> OutcomeRecorded:
    """Say, once and with the key that got the decision, what became of the call."""
    outcome = Outcome(said.status, said.rows, said.bytes, said.error)
    who, ran = sender(request, by), said.unasked
    if ran is None:
        made, status = await service.outcomes.report(who, said.decision_id or "", outcome)
    else:
        call = UnaskedCall(ran.subject, ran.action, ran.data)
        made, status = await service.outcomes.report_unasked(who, call, outcome)
    return OutcomeRecorded(id=made, status=status)
