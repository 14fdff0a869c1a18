"""What the check endpoints take and answer, as JSON Schema; for the interface description."""

from typing import Any

from policyd.api.batch import MAX_ITEMS, STOPS

Shape = dict[str, Any]
_TEXT = {"type": "string"}
_WHOLE = {"type": "integer", "minimum": 0}
_REFERENCE = "#/components/schemas/{name}"


def _object(required: tuple[str, ...] = (), **members: Shape) -> Shape:
    """An object with no member beyond these."""
    shape: Shape = {"type": "object", "properties": members, "additionalProperties": False}
    return shape | ({"required": list(required)} if required else {})


def _list(of: Shape) -> Shape:
    return {"type": "array", "items": of}


def referring(name: str) -> Shape:
    """A reference to the shape of this name."""
    return {"$ref": _REFERENCE.format(name=name)}


_PARTS = ("subject", "action", "resource", "context")
_REASON = _object(
    ("code", "message", "fix", "contact"),
    code=_TEXT,
    message=_TEXT,
    fix=_TEXT,
    contact=_TEXT,
    check=_TEXT | {"description": "For authors, auditors and admins, like owner and rule"},
    owner=_TEXT,
    rule=_TEXT,
)
_OBLIGATION = _object(
    ("id", "type", "properties"),
    id=_TEXT,
    type=_TEXT,
    properties=_object(
        fields=_list(_TEXT), rows=_WHOLE, within=_TEXT | {"description": "Like `15m`"}
    ),
)
_CONTEXT = _object(
    obligations=_list(_OBLIGATION) | {"description": "Fulfil all of them, or do not proceed"},
    advice=_list(_OBLIGATION) | {"description": "Obligations that are not in force yet"},
    would={"const": "deny", "description": "Allowed by a roll-out alone: it will be denied"},
    access_request=_object(
        ("approvers",),
        approvers=_list(_TEXT) | {"description": "Owners whose approval alone is missing"},
    ),
    reasons=_list(_REASON) | {"description": "If asked for: every check that failed"},
    more_reasons=_WHOLE | {"description": "Reasons beyond those that are listed"},
    destination=_TEXT | {"description": "If asked for: the URL the decision is about"},
    valid_until=_TEXT | {"description": "If asked for: until when an allow holds, RFC 3339"},
    receipt=_object(
        ("index", "leaf_hash", "proof"),
        index=_WHOLE | {"description": "The record's place in the log"},
        leaf_hash=_TEXT | {"description": "Of the record, in hex"},
        proof=_TEXT | {"description": "That it is in the signed log: a C2SP tlog-proof"},
    )
    | {"description": "If asked for: the decision is in the log, for those who do not trust us"},
    error=_object(("status", "message"), status={"const": 400}, message=_TEXT)
    | {"description": "In a batch: why the item could not be read"},
)
SHAPES: dict[str, Shape] = {
    "Decision": _object(("decision",), decision={"type": "boolean"}, context=_CONTEXT),
    "Decisions": _object(
        ("evaluations",),
        evaluations=_list(referring("Decision"))
        | {"minItems": 1, "maxItems": MAX_ITEMS, "description": "In the order of the items"},
    ),
    "BatchRequest": {
        "type": "object",
        "required": ["evaluations"],
        "properties": {
            **{name: {"description": "For items that have none of their own"} for name in _PARTS},
            "evaluations": _list({"type": "object"})
            | {"minItems": 1, "maxItems": MAX_ITEMS, "description": "Each a check"},
            "options": {
                "type": ["object", "null"],
                "properties": {"evaluations_semantic": {"enum": list(STOPS)}},
            },
        },
    },
    "BatchOfNone": {
        "description": "Without any evaluations, a batch is itself one check",
        "allOf": [
            referring("CheckRequest"),
            {"properties": {"evaluations": {"type": ["array", "null"], "maxItems": 0}}},
        ],
    },
    "Problem": _object(
        ("type", "title", "status", "code", "detail"),
        type=_TEXT,
        title=_TEXT,
        status={"type": "integer"},
        code=_TEXT | {"description": "Stable; what a program goes by"},
        detail=_TEXT,
        column=_WHOLE | {"description": "In a query: where it cannot be read, from 1 on"},
        length=_WHOLE | {"description": "In a query: over how many characters"},
        expected=_list(_TEXT) | {"description": "In a query: what could stand there instead"},
    ),
}
"""Every shape by the name that the description gives it."""
