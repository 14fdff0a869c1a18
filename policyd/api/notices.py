"""`/v1/notices`: what waits for somebody, or is about to end."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from policyd.api.caller import PolicyReader, Served

router = APIRouter(prefix="/v1/notices")


class NoticeShown(BaseModel):
    """One thing that somebody should know; `until` and `owner` are empty where there is none."""

    code: str
    about: str
    owner: str
    until: str
    message: str


class NoticeList(BaseModel):
    """Notices, the most urgent first."""

    notices: list[NoticeShown]


@router.get("", responses={503: {}})
async def list_notices(
    service: Served, _: PolicyReader, days: Annotated[int, Query(ge=0, le=3650)] = 14
) -> NoticeList:
    """Approvals that are missing, emergencies nobody approved, what ends within so many days."""
    found = await service.notices.list(days)
    names = NoticeShown.model_fields
    return NoticeList(
        notices=[NoticeShown(**{name: getattr(each, name) for name in names}) for each in found]
    )
