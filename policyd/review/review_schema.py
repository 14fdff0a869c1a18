"""The JSON Schema of review.json, as it is published."""

import json
from typing import Any

import msgspec

from policyd.review.artefact import SCHEMA, Review

_DIGEST = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}


def schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of what `Review.to_json` writes."""
    found = msgspec.json.schema(Review)
    whole = found["$defs"]["Review"]
    whole["properties"] |= {"digest": _DIGEST, "decisions": _DIGEST, "schema": {"const": SCHEMA}}
    whole["required"] = sorted(whole["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "review.json of policyd",
        **found,
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, sort_keys=True))  # noqa: T201 - a page of the docs
