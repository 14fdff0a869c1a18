"""Documents fitted to their shapes; what does not fit is left out, so that the rest is checked."""

from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from policyd.model.findings import Finding
from policyd.policy.documents import Document, Path, blank, read
from policyd.policy.misfits import misfits, path_of
from policyd.policy.schemas import schema

Shaped = TypeVar("Shaped", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Read(Generic[Shaped]):
    """A file, as text with positions and as a value of its shape.

    Entries that did not fit are missing from `content`, but their names are in the document.
    """

    document: Document
    content: Shaped
    is_whole: bool = True  # whether everything in the file fitted

    def finding(self, path: Path, code: str, message: str, *, key: bool = False) -> Finding:
        """A finding about the value at *path*, or with `key` about its key."""
        return self.document.finding(path, code, message, key=key)

    def declared(self, section: str) -> frozenset[str] | None:
        """Names that *section* declares; None if the file is too broken to say."""
        data = self.document.data
        value = data.get(section) if isinstance(data, dict) else None
        if isinstance(value, dict):
            return frozenset(value)
        return frozenset() if value is None and self.document.is_usable else None


def fit(file: str, source: bytes | None, shape: type[Shaped]) -> tuple[Read[Shaped], list[Finding]]:
    """The file *source* (None: there is none) as *shape*, and all that is wrong with it."""
    if source is None:
        return Read(blank(file), _empty(shape), is_whole=False), []
    document, findings = read(file, source)
    if not document.is_usable:
        return Read(document, _empty(shape), is_whole=False), findings
    try:
        return Read(document, shape.model_validate(document.data)), findings
    except ValidationError as error:
        findings += misfits(document, shape, error)
        kept = _without(document.data, error.errors(include_url=False))
    try:
        return Read(document, shape.model_validate(kept), is_whole=False), findings
    except ValidationError:
        unusable = replace(document, is_usable=False)
        return Read(unusable, _empty(shape), is_whole=False), findings


def _without(data: object, errors: list[ErrorDetails]) -> object:
    """The data without each entry of a section, or each key, in which something does not fit."""
    if not isinstance(data, dict):
        return None
    kept = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    for path in map(path_of, errors):
        section = kept.get(path[0]) if path else None
        if len(path) > 1 and isinstance(section, dict):
            section.pop(path[1], None)
        elif path:
            kept.pop(path[0], None)
    return kept


def _empty(shape: type[Shaped]) -> Shaped:
    """A value of *shape* with nothing in it."""
    about = schema(shape)
    kinds: dict[str, Any] = {"object": {}, "array": []}
    required = {key: about["properties"][key] for key in about["required"]}
    blanks = {key: kinds.get(each.get("type", ""), "") for key, each in required.items()}
    return shape.model_construct(**{**blanks, **_lists(about, required)})


def _lists(about: dict[str, Any], required: dict[str, Any]) -> dict[str, Any]:
    """An empty list for each required key whose schema is a reference to a list."""
    names = {
        key: each["$ref"].rpartition("/")[2] for key, each in required.items() if "$ref" in each
    }
    return {key: [] for key, name in names.items() if about["$defs"][name].get("type") == "array"}
