"""`/v1/audit/exports`: records taken away by auditors, bundle by bundle, with a signed manifest."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from policyd.api.caller import Auditor, Served, sender
from policyd.api.numbers import Count
from policyd.points.exports import Asked
from policyd_audit.export import File

router = APIRouter(prefix="/v1/audit/exports")
OCTETS = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
_OCTETS_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}}},
    404: {},
    410: {},
    503: {},
}
_TEXT_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {TEXT: {"schema": {"type": "string"}}}},
    404: {},
    503: {},
}


def _plain(path: str) -> str:
    """The path, if it stays where it belongs and stands on one line."""
    if any(each in {"", ".", ".."} for each in path.split("/")):
        raise ValueError("write it like tile/0/000, from the folder of the export on")
    return path


Number = Annotated[Count, Field(strict=True)]
PlainPath = Annotated[
    str, Field(min_length=1, max_length=160, pattern=r"^[!-~]+$"), AfterValidator(_plain)
]
Bundle = Annotated[int, Path(ge=0, lt=2**45)]


class ExportAsked(BaseModel):
    """Which records, by number and by time, and what for; all of them by default."""

    model_config = ConfigDict(extra="forbid")

    form: Literal["log", "ndjson", "csv", "parquet", "ocsf", "cloudevents", "openlineage"]
    first: Number = 0
    end: Number | None = None
    after: AwareDatetime | None = None
    before: AwareDatetime | None = None


class ExportBegun(BaseModel):
    """The export: records from `first` to below `end`, of the log as of `checkpoint`."""

    id: str
    first: int
    end: int
    tree_size: int
    checkpoint: str
    verifier_keys: list[str]


class ExportFile(BaseModel):
    """A file that the export was put into."""

    model_config = ConfigDict(extra="forbid", strict=True)

    path: PlainPath
    size: Number
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class LeftOut(BaseModel):
    """Records from `first` to below `end` that could not be had."""

    model_config = ConfigDict(extra="forbid", strict=True)

    first: Number
    end: Number


class ExportDone(BaseModel):
    """What became of the export."""

    model_config = ConfigDict(extra="forbid")

    files: list[ExportFile]
    left_out: list[LeftOut] = []


@router.post("", status_code=201, responses={409: {}, 503: {}})
async def begin_export(
    asked: ExportAsked, request: Request, service: Served, by: Auditor
) -> ExportBegun:
    """Begin an export: it is recorded, and lasts seven days."""
    wanted = Asked(asked.form, asked.first, asked.end, asked.after, asked.before)
    begun = await service.exports.begin(sender(request, by), wanted)
    return ExportBegun(
        id=begun.id,
        first=begun.first,
        end=begun.end,
        tree_size=begun.size,
        checkpoint=begun.note,
        verifier_keys=service.signer.vkeys,
    )


@router.get("/{export_id}/bundles/{number}", response_class=Response, responses=_OCTETS_ANSWER)
async def export_bundle(
    export_id: str, number: Bundle, request: Request, service: Served, by: Auditor
) -> Response:
    """The records of an entry bundle that belong to the export, each behind its length."""
    data = await service.exports.bundle(sender(request, by), export_id, number)
    return Response(data, media_type=OCTETS)


@router.post("/{export_id}/manifest", response_class=Response, responses=_TEXT_ANSWER)
async def export_manifest(
    export_id: str, done: ExportDone, request: Request, service: Served, by: Auditor
) -> Response:
    """The signed manifest: what was taken from the log, and into which files, as you say."""
    files = [File(each.path, each.size, each.sha256) for each in done.files]
    left_out = [(each.first, each.end) for each in done.left_out]
    text = await service.exports.manifest(sender(request, by), export_id, files, left_out)
    return Response(text, media_type=TEXT)
