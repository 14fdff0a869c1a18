"""JSON Schemas for editors: current, and in agreement with the sample company."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from policyd.policy import schemas
from policyd.policy.documents import read

POLICIES = Path(__file__).parents[3] / "policies"
MINIMAL = Path(__file__).parents[2] / "cases" / "policies" / "minimal"
SAMPLES = sorted(POLICIES.rglob("*.yaml"))


def test_the_schemas_in_the_sample_are_current(tmp_path: Path) -> None:
    """What editors check is what the loader checks; `schemas.write` makes it so."""
    schemas.write(tmp_path)
    made = {each.name: each.read_text("utf-8") for each in (tmp_path / "schemas").iterdir()}
    kept = {each.name: each.read_text("utf-8") for each in (POLICIES / "schemas").iterdir()}
    assert kept == made


@pytest.mark.parametrize("name", schemas.FILES)
def test_every_schema_is_one(name: str) -> None:
    """Editors can read it."""
    Draft202012Validator.check_schema(json.loads(schemas.text(name)))


@pytest.mark.parametrize("name", schemas.FILES)
def test_no_schema_knows_null(name: str) -> None:
    """A key without a value is a finding, so no editor may offer it."""
    assert "null" not in schemas.text(name)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.relative_to(POLICIES)))
def test_every_sample_file_names_its_schema_and_fits_it(path: Path) -> None:
    """The first line tells an editor where the schema is."""
    first = path.read_text("utf-8").split("\n", 1)[0]
    marker, found, where = first.partition("$schema=")
    assert (marker, found) == ("# yaml-language-server: ", "$schema=")
    schema = json.loads((path.parent / where).read_text("utf-8"))
    document, findings = read(path.name, path.read_bytes())
    assert findings == []
    assert list(Draft202012Validator(schema).iter_errors(document.data)) == []


@pytest.mark.parametrize(
    ("rule", "is_fine"),
    [
        ({"read": "anything"}, True),
        ({"send": ["erp/*"], "to": ["crm"]}, True),
        ({}, False),
        ({"send": "anything"}, False),
        ({"read": "anything", "to": ["crm"]}, False),
        ({"send": "anything", "to": ["crm"], "to_zone": ["core"]}, False),
        ({"read": ["*"]}, False),
        ({"read": "anything", "mode": "warn"}, False),
    ],
)
def test_an_editor_sees_which_words_go_together(rule: dict[str, Any], *, is_fine: bool) -> None:
    """The schema says of a rule what the loader says."""
    schema = json.loads(schemas.text("unit-access"))
    data = {"allow": {"one": {"who": "everyone", "reason": "Because.", **rule}}}
    assert Draft202012Validator(schema).is_valid(data) == is_fine
