"""JSON Schemas of the policy files (draft 2020-12), for editors and for plain messages."""

import functools
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from policyd.policy import guardrail_shapes, place_shapes, suite_shapes, unit_shapes

FILES: dict[str, type[BaseModel]] = {
    "policyd": guardrail_shapes.CompanyFile,
    "access": guardrail_shapes.AccessFile,
    "roles": guardrail_shapes.RolesFile,
    "systems": place_shapes.SystemsFile,
    "labels": guardrail_shapes.LabelsFile,
    "destinations": place_shapes.DestinationsFile,
    "calendar": guardrail_shapes.CalendarFile,
    "promotions": guardrail_shapes.PromotionsFile,
    "exemptions": guardrail_shapes.ExemptionsFile,
    "template": guardrail_shapes.TemplateFile,
    "unit": unit_shapes.UnitFile,
    "unit-access": unit_shapes.UnitAccessFile,
    "integrations": unit_shapes.IntegrationsFile,
    "test": suite_shapes.SuiteFile,
    "calls": suite_shapes.CallsFile,
}
"""The shape behind each schema."""


class _Generator(GenerateJsonSchema):
    """pydantic's generator, without null (no policy file has one) and without made-up titles."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        made = super().default_schema(schema)
        if made.get("default", 0) is None:
            del made["default"]
        return made

    def field_title_should_be_set(self, schema: object) -> bool:
        del schema
        return False


@functools.cache
def schema(shape: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of *shape*; not to be changed."""
    made = shape.model_json_schema(schema_generator=_Generator)
    for each in (made, *made.get("$defs", {}).values()):
        each.pop("title", None)
    return {"$schema": _Generator.schema_dialect, **made}


def text(name: str) -> str:
    """The content of `schemas/<name>.schema.json`."""
    return json.dumps(schema(FILES[name]), indent=2, ensure_ascii=False) + "\n"


def write(root: Path) -> None:
    """Write every schema into the folder `schemas` of the policy tree *root*."""
    folder = root / "schemas"
    folder.mkdir(exist_ok=True)
    for name in FILES:
        (folder / f"{name}.schema.json").write_text(text(name), "utf-8")
