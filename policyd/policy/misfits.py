"""What does not fit a shape, in plain words, at its place."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from policyd.model.findings import Finding
from policyd.policy.codes import CODES
from policyd.policy.documents import REFUSED, Document, Path
from policyd.policy.schemas import schema
from policyd.policy.wording import did_you_mean, quoted

_KEY = "[key]"  # how pydantic marks an error about a key of a map
_KINDS = {
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "bool_type": "true or false",
    "int_type": "a whole number",
}
_LENGTHS = {
    "string_too_long": "the text is too long: at most {max_length} characters",
    "string_too_short": "the text is too short: at least {min_length} characters",
    "too_long": "the list is too long: at most {max_length} entries",
    "too_short": "there are too few entries: at least {min_length}",
}


def misfits(
    document: Document, shape: type[BaseModel], error: ValidationError
) -> Iterator[Finding]:
    """Every part of *document* that does not fit *shape*, in the order pydantic found them."""
    for each in error.errors(include_url=False):
        if each["input"] is not REFUSED:
            yield _misfit(document, shape, each)


def path_of(error: ErrorDetails) -> Path:
    """Where the misfit is; the map that lacks a key, for a missing one."""
    path: Path = error["loc"]
    if path and path[-1] == _KEY:
        return path[:-1]
    return path[:-1] if error["type"] == "missing" else path


def _misfit(document: Document, shape: type[BaseModel], error: ErrorDetails) -> Finding:
    kind, path = error["type"], path_of(error)
    if kind in CODES:
        return document.finding(path, kind, error["ctx"]["why"])
    if kind == "missing":
        message = _missing(shape, path, str(error["loc"][-1]))
        return document.finding(path, "missing-key", message, key=True)
    if kind == "extra_forbidden":
        return document.finding(path, "unknown-key", _unknown(document, shape, path), key=True)
    is_key = error["loc"][-1:] == (_KEY,)
    about = _schema_at(shape, path[:-1]).get("propertyNames", {}) if is_key else {}
    about = _resolved(shape, about) if is_key else _schema_at(shape, path)
    if kind in _KINDS:
        expected = about.get("description") if "oneOf" in about else _KINDS[kind]
        message = f"this is {_kind(error['input'])}; write {expected}{_near(error, about)}"
        return document.finding(path, "wrong-type", message)
    return document.finding(path, "bad-value", _bad_value(error, about), key=is_key)


def _missing(shape: type[BaseModel], path: Path, key: str) -> str:
    about = _schema_at(shape, path).get("properties", {}).get(key, {}).get("description", "")
    return f"`{key}` is missing: {about[:1].lower()}{about[1:].removesuffix('.')}"


def _unknown(document: Document, shape: type[BaseModel], path: Path) -> str:
    *parents, key = path
    known = set(_schema_at(shape, tuple(parents)).get("properties", ()))
    near = did_you_mean(str(key), known - _written(document, tuple(parents)))
    return f"{quoted(key)} means nothing here{near or '; remove it'}"


def _bad_value(error: ErrorDetails, about: dict[str, Any]) -> str:
    kind, value = error["type"], quoted(error["input"])
    limits = error.get("ctx", {})
    if kind == "literal_error":
        return f"{value} does not fit here{_near(error, about)}"
    if kind in _LENGTHS:
        words = _LENGTHS[kind]
        return words.format(**limits)
    return f"{value} is not {about.get('description', 'what fits here')}"


def _near(error: ErrorDetails, about: dict[str, Any]) -> str:
    words = [
        *about.get("enum", ()),
        *(one["const"] for one in about.get("oneOf", ()) if "const" in one),
    ]
    return did_you_mean(error["input"], words) if words and isinstance(error["input"], str) else ""


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return f"{str(value).lower()}, neither text nor number"
    return f"the text {quoted(value)}" if isinstance(value, str) else f"the number {value}"


def _written(document: Document, path: Path) -> set[str]:
    """Keys that the map at *path* has."""
    value: Any = document.data
    for step in path:
        value = value[step]
    return set(value)


def _schema_at(shape: type[BaseModel], path: Path) -> dict[str, Any]:
    """The schema of what stands at *path*."""
    found = schema(shape)
    for step in path:
        if isinstance(step, int):
            found = _items(found)
        else:
            found = found.get("properties", {}).get(step) or found["additionalProperties"]
        found = _resolved(shape, found)
    return found


def _items(about: dict[str, Any]) -> dict[str, Any]:
    """The schema of a list's entries, also where a word may stand in place of the list."""
    lists = (each for each in (about, *about.get("oneOf", ())) if "items" in each)
    found: dict[str, Any] = next(lists)["items"]
    return found


def _resolved(shape: type[BaseModel], about: dict[str, Any]) -> dict[str, Any]:
    """A schema without a reference; the description is that of the form, if it has one."""
    if "$ref" not in about:
        return about
    name = about["$ref"].rpartition("/")[2]
    return {**about, **schema(shape)["$defs"][name]}
