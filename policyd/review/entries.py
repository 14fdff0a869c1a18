"""Entries: the things that policy files are made of, each by the name that answers have for it.

They are read from the files as they are written, so that a review speaks in the files' own words
and knows the line of each of them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from policyd.policy import layout
from policyd.policy.documents import Document, read
from policyd.review.artefact import Spot

Plain = Mapping[str, Any]
_SECTIONS = ("forbid", "require", "limit", "ceiling", "allow")
_FILES: dict[str, dict[str, tuple[str, str]]] = {
    layout.COMPANY: {
        "categories": ("category", "category:"),
        "owners": ("owner", "owner:"),
        "units": ("unit", "unit:"),
    },
    layout.ACCESS: dict.fromkeys(_SECTIONS, ("rule", "guardrail:")),
    layout.ROLES: {"roles": ("role", "role:")},
    layout.SYSTEMS: {
        "systems": ("system", "system:"),
        "connections": ("connection", "connection:"),
    },
    layout.LABELS: {"datasets": ("dataset", "dataset:")},
    layout.DESTINATIONS: {
        "zones": ("zone", "zone:"),
        "flow": ("zone", "zone:"),
        "destinations": ("destination", "destination:"),
    },
    layout.CALENDAR: {"hours": ("window", "window:"), "freezes": ("window", "window:")},
    layout.PROMOTIONS: {"promotions": ("promotion", "promotion:")},
    layout.EXEMPTIONS: {"exemptions": ("exemption", "exemption:")},
}
_UNIT_FILE = re.compile(r"units/([^/]+)/([^/]+)\.yaml")
_TESTS = re.compile(r"(?:units/[^/]+/)?tests/(.+)_test\.yaml")


class Entry(NamedTuple):
    """One thing that is written: its words, and who answers for it."""

    ref: str
    kind: str
    words: Plain  # word: value; of a map in a map, `word.word`
    owner: str | None
    unit: str | None
    place: Spot


def entries(path: str, source: bytes) -> dict[str, Entry]:
    """The entries of one file by reference; none of a file that is no policy."""
    if path == layout.MODEL or not path.endswith(".yaml"):
        return {}
    document, _ = read(path, source)
    if not isinstance(document.data, dict):
        return {}
    found: dict[str, Entry] = {}
    for each in _reader(path)(document, document.data):
        before = found.get(each.ref)
        # A zone and its row of the flow table are one thing.
        words = {**before.words, **each.words} if before else each.words
        found[each.ref] = each._replace(words=words)
    return found


_Reader = Callable[[Document, dict[str, Any]], Iterator[Entry]]


def _reader(path: str) -> _Reader:
    template = layout.templates({path: b""})
    if template:
        return lambda document, data: _template(next(iter(template)), document, data)
    if _TESTS.fullmatch(path):
        return _tests
    if of_unit := _UNIT_FILE.fullmatch(path):
        return lambda document, data: _of_unit(of_unit[1], of_unit[2], document, data)
    sections = _FILES.get(path, {})
    return lambda document, data: _listed(document, data, sections)


def _listed(
    document: Document,
    data: dict[str, Any],
    sections: Mapping[str, tuple[str, str]],
    unit: str | None = None,
) -> Iterator[Entry]:
    """What stands in the sections of a file; each other word is a setting of the file."""
    # Whoever a word of the company names, central IT answers for what it says.
    is_company = document.file == layout.COMPANY
    owner = data.get("owner")
    for section, content in data.items():
        kind, prefix = sections.get(section, ("", ""))
        if not (kind and isinstance(content, dict)):
            name = f"{document.file}:{section}"
            yield _entry(document, (name, "setting"), (section,), {section: content}, owner)
            continue
        for name, said in content.items():
            words = said if isinstance(said, dict) else {_WORDS.get(kind, "is"): said}
            own = None if is_company else words.get("owner")
            about = (f"{prefix}{name}", kind)
            entry = _entry(document, about, (section, name), words, own or owner)
            yield entry._replace(
                unit=unit,
                words={**entry.words, "section": section} if kind == "rule" else entry.words,
            )


_WORDS = {"connection": "url", "category": "meaning", "window": "spans"}


def _template(name: str, document: Document, data: dict[str, Any]) -> Iterator[Entry]:
    rules = {key: value for key, value in data.items() if key in _SECTIONS}
    prefix = f"template:{name}"
    about = {key: value for key, value in data.items() if key not in rules}
    yield _entry(document, (prefix, "template"), (), about, data.get("owner"))
    sections = dict.fromkeys(rules, ("rule", f"{prefix}/"))
    for each in _listed(document, rules, sections):
        yield each._replace(owner=data.get("owner"))


def _of_unit(unit: str, file: str, document: Document, data: dict[str, Any]) -> Iterator[Entry]:
    sections = {
        "access": dict.fromkeys(_SECTIONS, ("rule", f"unit:{unit}/")),
        "integrations": {"integrations": ("integration", f"integration:{unit}/")},
    }.get(file, {})
    for each in _listed(document, data, sections, unit):
        yield each._replace(unit=unit)


def _tests(document: Document, data: dict[str, Any]) -> Iterator[Entry]:
    tests = data.get("tests")
    unit = document.file.split("/")[1] if document.file.startswith("units/") else None
    for index, each in enumerate(tests if isinstance(tests, list) else []):
        if isinstance(each, dict):
            name = f"test:{data.get('suite')}/{each.get('it')}"
            entry = _entry(document, (name, "test"), ("tests", index), each, None)
            yield entry._replace(unit=unit)
    rest = {key: value for key, value in data.items() if key != "tests"}
    for each in _listed(document, rest, {}, unit):
        yield each._replace(kind="test", unit=unit)


def _entry(
    document: Document,
    about: tuple[str, str],
    path: tuple[str | int, ...],
    data: object,
    owner: object,
) -> Entry:
    place = document.place(path, key=True)
    ref, kind = about
    words = dict(_flat(data)) if isinstance(data, dict) else {"is": data}
    known = owner if isinstance(owner, str) else None
    return Entry(ref, kind, words, known, None, Spot(place.file, place.line, place.column))


def _flat(data: dict[str, Any], before: str = "") -> Iterator[tuple[str, object]]:
    for word, value in data.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{word}.")
        else:
            yield f"{before}{word}", value
