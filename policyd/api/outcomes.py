"""`/v1/outcomes`: what became of a call, from whoever asked whether it may run."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from policyd.api.caller import Anyone, Served, sender
from policyd.api.numbers import Count
from policyd.api.text import CONTROL, PLAIN
from policyd.points.outcomes import Outcome, UnaskedCall

router = APIRouter(prefix="/v1/outcomes")


def _plain(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("it has a control character")
    return text


_TELLING = {"pattern": PLAIN}
Id = Annotated[str, Field(max_length=64, json_schema_extra=_TELLING), AfterValidator(_plain)]
Name = Annotated[str, Field(max_length=160, json_schema_extra=_TELLING), AfterValidator(_plain)]


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

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "oneOf": [
                {"required": ["decision_id"], "properties": {"decision_id": {"type": "string"}}},
                {"required": ["unasked"], "properties": {"unasked": {"type": "object"}}},
            ]
        },
    )

    decision_id: Id | None = None
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


@router.post("", status_code=201, responses={404: {}, 409: {}, 503: {}})
async def report_outcome(
    said: OutcomeReport, request: Request, service: Served, by: Anyone
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
