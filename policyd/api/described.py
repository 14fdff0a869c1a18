"""The interface description at `/openapi.json`: what FastAPI knows, corrected, and the checks."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI

from policyd.api.answer_schema import SHAPES, referring
from policyd.api.caller import SECURITY
from policyd.api.checks import BATCH_PATH, PATH
from policyd.api.examples import EXAMPLES
from policyd.api.explain import PATH as EXPLAIN_PATH
from policyd.api.headers import MAX_REQUEST_ID
from policyd.api.problems import CONTENT_TYPE
from policyd.api.records import Lost, RecordEntry, RecordPage
from policyd.api.search import SHAPES as COUNTS
from policyd.api.tail import RecordNews
from policyd.api.wire import CheckRequest

Described = dict[str, Any]
_REFERENCE = "#/components/schemas/{name}"
_STRUCTS = (CheckRequest, Lost, RecordEntry, RecordNews, RecordPage, *COUNTS)
_TEXT: Described = {"type": "string"}
_REQUEST_ID: Described = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "description": "Comes back with the answer; that of a check is recorded",
    "schema": _TEXT | {"maxLength": MAX_REQUEST_ID, "pattern": "^[ -~]*$"},
}
_ECHO: Described = {"schema": _TEXT, "description": "As it was sent"}
# By status: what the answer that tells of a problem has besides.
_WITH: dict[str, Described] = {
    "401": {"WWW-Authenticate": {"schema": _TEXT, "required": True}},
    "405": {"Allow": {"schema": _TEXT, "required": True}},
    "503": {"Retry-After": {"schema": {"type": "integer"}, "required": True}},
}
_ANY = ("400", "413", "500")
_WITH_KEY = ("401", "403")
_OF_CHECKS = ("405", "503")
_ID = "$response.header.X-Decision-ID"
_LINKS: dict[str, Described] = {
    "Record": {"operationId": "record", "parameters": {"record_id": _ID}},
    "Outcome": {
        "operationId": "report_outcome",
        "requestBody": {"decision_id": _ID, "status": "ok"},
    },
}
_CHECK = "AuthZEN 1.0, access evaluation: may this call run? Ask before it runs."
_BATCH = (
    "AuthZEN 1.0, access evaluations: several checks, recorded as one. What an item lacks of"
    " subject, action, resource and context it takes, as a whole, from the top."
)


def described(app: FastAPI) -> Callable[[], Described]:
    """What *app* answers with when it is asked to describe itself; for `app.openapi`."""
    of_fastapi = app.openapi

    def description() -> Described:
        if app.openapi_schema is None:
            _correct(of_fastapi())
        return of_fastapi()  # kept by FastAPI once it is made

    return description


def _correct(schema: Described) -> None:
    """Add the checks, which FastAPI does not serve, and tell of errors as they are."""
    shapes = schema["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        del shapes[unused]
    (asked, *_), parts = msgspec.json.schema_components(_STRUCTS, ref_template=_REFERENCE)
    shapes |= parts | SHAPES
    # FastAPI is handed the body as it is, since a check has one reader.
    explain = schema["paths"][EXPLAIN_PATH]["post"]
    explain["requestBody"] = _body(asked, PATH)
    single, many = referring("Decision"), referring("Decisions")
    schema["paths"][PATH] = {"post": _operation("check", PATH, _CHECK, asked, single)}
    # Without items a batch is one check, and is answered as one.
    several = {"anyOf": [referring("BatchRequest"), referring("BatchOfNone")]}
    batch = _operation("check_batch", BATCH_PATH, _BATCH, several, {"anyOf": [many, single]})
    schema["paths"][BATCH_PATH] = {"post": batch}
    for path in schema["paths"].values():
        for operation in path.values():
            _complete(operation)


def _operation(
    name: str, path: str, description: str, asked: Described, answered: Described
) -> Described:
    record = {"schema": _TEXT, "required": True}
    decided = {
        "description": "Decided, and durably recorded",
        "headers": {
            "X-Decision-ID": record | {"description": "The record; of an item, `id/index`"}
        },
        "content": {"application/json": {"schema": answered}},
        "links": _LINKS,
    }
    return {
        "summary": name.replace("_", " ").capitalize(),
        "description": description,
        "operationId": name,
        "security": SECURITY,
        "requestBody": _body(asked, path),
        "responses": {"200": decided, **{status: {} for status in _OF_CHECKS}},
    }


def _body(asked: Described, path: str) -> Described:
    """A body of this shape, with the examples that there are for *path*."""
    examples = {each.title: {"value": each.body} for each in EXAMPLES if each.path == path}
    content = {"application/json": {"schema": asked, "examples": examples}}
    return {"required": True, "content": content}


def _complete(operation: Described) -> None:
    """Add what holds of every operation: the request id, and the ways to be refused."""
    parameters = operation.setdefault("parameters", [])
    for each in parameters:
        _leave_out_null(each)
    parameters.append(_REQUEST_ID)
    answers = operation["responses"]
    if "HTTPValidationError" in str(answers.get("422")):  # ours is 400
        del answers["422"]
    for status in (*_ANY, *(_WITH_KEY if "security" in operation else ())):
        answers.setdefault(status, {})
    for status, answer in answers.items():
        if "content" not in answer:
            answer.update(_problem(status))
        answer.setdefault("headers", {})["X-Request-ID"] = _ECHO


def _leave_out_null(parameter: Described) -> None:
    """A parameter that may be left out is not for that reason one that may be null."""
    kinds = parameter["schema"].pop("anyOf", [])
    for kind in kinds:
        if kind != {"type": "null"}:
            parameter["schema"] |= kind


def _problem(status: str) -> Described:
    content = {CONTENT_TYPE.decode(): {"schema": referring("Problem")}}
    what = "Not recorded, so not answered" if status == "503" else HTTPStatus(int(status)).phrase
    return {"description": what, "content": content, "headers": dict(_WITH.get(status, {}))}
