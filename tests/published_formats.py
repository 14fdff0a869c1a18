"""Rules that others publish for their formats, as `published_schemas` has them."""

import json
from pathlib import Path

import jsonschema


def validator(name: str) -> jsonschema.Draft202012Validator:
    """What holds a value to the schema of that name."""
    path = Path(__file__).parent / "published_schemas" / f"{name}.json"
    schema = json.loads(path.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schema, format_checker=checker)
