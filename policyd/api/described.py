"""The interface description at `/openapi.json`: what FastAPI knows, corrected, and the check."""

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import FastAPI

from policyd.api.evaluation import PATH
from policyd.api.problems import CONTENT_TYPE
from policyd.api.wire import CheckRequest

_REFERENCE = "#/components/schemas/{name}"
_CHECK_CODES = (400, 401, 403, 405, 413, 503)
_ANSWER = {
    "type": "object",
    "required": ["decision"],
    "properties": {
        "decision": {"type": "boolean"},
        "context": {
            "type": "object",
            "description": "`obligations` whenever there are any: fulfil all, or do not proceed",
        },
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "title", "code", "detail")},
        "status": {"type": "integer"},
    },
}


def described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What *app* answers with when it is asked to describe itself; for `app.openapi`."""
    of_fastapi = app.openapi

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            _correct(of_fastapi())
        return of_fastapi()  # kept by FastAPI once it is made

    return description


def _correct(schema: dict[str, Any]) -> None:
    """Add the check, which FastAPI does not serve, and tell of errors as they are."""
    shapes = schema["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        del shapes[unused]
    for path in schema["paths"].values():
        for operation in path.values():
            if operation["responses"].pop("422", None):
                operation["responses"]["400"] = _refusal(400)
    (asked,), parts = msgspec.json.schema_components((CheckRequest,), ref_template=_REFERENCE)
    shapes |= parts | {"Problem": _PROBLEM}
    schema["paths"][PATH] = {"post": _check(asked)}


def _check(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": "Check",
        "description": "AuthZEN 1.0, access evaluation: may this call run? Ask before it runs.",
        "operationId": "check",
        "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
        "responses": {
            "200": {
                "description": "Decided, and durably recorded",
                "headers": {
                    "X-Decision-ID": {"schema": {"type": "string"}, "description": "The record"}
                },
                "content": {"application/json": {"schema": _ANSWER}},
            },
            **{str(status): _refusal(status) for status in _CHECK_CODES},
        },
    }


def _refusal(status: int) -> dict[str, Any]:
    shape = {"$ref": _REFERENCE.format(name="Problem")}
    what = "Not recorded, so not answered" if status == 503 else "Refused"  # noqa: PLR2004 - HTTP
    return {"description": what, "content": {CONTENT_TYPE.decode(): {"schema": shape}}}
