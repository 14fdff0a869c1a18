"""The interface description at `/openapi.json`: what FastAPI knows, corrected, and the checks."""

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import FastAPI

from policyd.api.answer_schema import SHAPES, referring
from policyd.api.evaluation import BATCH_PATH, MAX_REQUEST_ID, PATH
from policyd.api.explain import PATH as EXPLAIN_PATH
from policyd.api.problems import CONTENT_TYPE
from policyd.api.wire import CheckRequest

_REFERENCE = "#/components/schemas/{name}"
_CHECK_CODES = (400, 401, 403, 405, 413, 500, 503)
_REQUEST_ID = {"X-Request-ID": {"schema": {"type": "string"}, "description": "As it was sent"}}
_CHECK = "AuthZEN 1.0, access evaluation: may this call run? Ask before it runs."
_BATCH = (
    "AuthZEN 1.0, access evaluations: several checks, recorded as one. What an item lacks of"
    " subject, action, resource and context it takes, as a whole, from the top."
)


def described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What *app* answers with when it is asked to describe itself; for `app.openapi`."""
    of_fastapi = app.openapi

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            _correct(of_fastapi())
        return of_fastapi()  # kept by FastAPI once it is made

    return description


def _correct(schema: dict[str, Any]) -> None:
    """Add the checks, which FastAPI does not serve, and tell of errors as they are."""
    shapes = schema["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        del shapes[unused]
    for path in schema["paths"].values():
        for operation in path.values():
            if operation["responses"].pop("422", None):
                operation["responses"]["400"] = _refusal(400)
    (asked,), parts = msgspec.json.schema_components((CheckRequest,), ref_template=_REFERENCE)
    shapes |= parts | SHAPES
    # FastAPI is handed the body as it is, since a check has one reader.
    explain = schema["paths"][EXPLAIN_PATH]["post"]
    explain["requestBody"] = _body(asked)
    single, many = referring("Decision"), referring("Decisions")
    schema["paths"][PATH] = {"post": _operation("check", _CHECK, asked, single)}
    # Without items a batch is one check, and is answered as one.
    batch = _operation("check_batch", _BATCH, referring("BatchRequest"), {"anyOf": [many, single]})
    schema["paths"][BATCH_PATH] = {"post": batch}


def _operation(
    name: str, description: str, asked: dict[str, Any], answered: dict[str, Any]
) -> dict[str, Any]:
    record = {"schema": {"type": "string"}, "description": "The record; of an item, `id/index`"}
    request_id = {"name": "X-Request-ID", "in": "header", "required": False}
    text = {"type": "string", "maxLength": MAX_REQUEST_ID, "pattern": "^[ -~]*$"}
    return {
        "summary": name.replace("_", " ").capitalize(),
        "description": description,
        "operationId": name,
        "parameters": [request_id | {"schema": text}],
        "requestBody": _body(asked),
        "responses": {
            "200": {
                "description": "Decided, and durably recorded",
                "headers": {"X-Decision-ID": record} | _REQUEST_ID,
                "content": {"application/json": {"schema": answered}},
            },
            **{str(status): _refusal(status) for status in _CHECK_CODES},
        },
    }


def _body(asked: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": asked}}}


def _refusal(status: int) -> dict[str, Any]:
    what = "Not recorded, so not answered" if status == 503 else "Refused"  # noqa: PLR2004 - HTTP
    content = {CONTENT_TYPE.decode(): {"schema": referring("Problem")}}
    return {"description": what, "content": content}
