"""The semantic difference of two trees: what changed by meaning, and what only looks as if."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from policyd.model.rules import Place, Rule
from policyd.model.snapshot import Snapshot
from policyd.policy import layout
from policyd.review.artefact import Change, Edit, FileTold
from policyd.review.entries import Entry, entries
from policyd.review.revisions import Pair, Version

PARTS = {
    "rule": "rules",
    "exemption": "exemptions",
    "dataset": "datasets",
    "zone": "zones",
    "destination": "destinations",
    "system": "systems",
    "connection": "connections",
    "role": "roles",
    "template": "templates",
    "unit": "units",
    "integration": "integrations",
    "owner": "owners",
}
"""The member of a snapshot that has things of a kind, by name."""
_FOR_PEOPLE = frozenset(
    ("reason", "fix", "title", "contact", "help", "deputies", "meaning", "owner", "mode_owner")
) | frozenset(("ticket", "asked_by", "approved_by", "since", "rollout.owner", "rollout.reason"))
_STAND_IN = frozenset(("owner", "deputy"))  # of an integration: whether somebody answers for it
_SETTINGS_FOR_PEOPLE = ("name", "owner", "contact", "help", "deputies", "review", "lint")
_BESIDE = (
    (re.compile(r"(?:units/[^/]+/)?tests/.+"), "tests"),
    (re.compile(r"schemas/.+|(?:.*/)?[^/]+\.md"), "prose"),
)
_NOWHERE = Place("", 0, 0)
_IGNORE = re.compile(rb"#\s*policyd:.*")


def changes(pair: Pair, sides: tuple[Snapshot, Snapshot]) -> list[Change]:
    """What is not the same by meaning, by reference."""
    paths = [name for each in pair.changed for name in (each.path, each.before) if name]
    old, new = (_entries({**each.files, **each.suites}, paths) for each in (pair.base, pair.head))
    found = (_change(old.get(ref), new.get(ref), sides) for ref in sorted({*old, *new}))
    return [each for each in found if each]


def files_told(pair: Pair, changed: Iterable[Change]) -> list[FileTold]:
    """Each file that changed, and what that means."""
    touched = {each.file for one in changed for each in (one.before, one.after) if each}
    return [FileTold(each.path, each.how, _meaning(each.path, touched)) for each in pair.changed]


def suppressed(pair: Pair) -> list[str]:
    """Files in which lint is told to leave other things aside; that lines move is no difference."""
    return [
        each.path
        for each in pair.changed
        if _silencing(pair.base, each.before or each.path) != _silencing(pair.head, each.path)
    ]


def _silencing(version: Version, path: str) -> list[bytes]:
    text = version.files.get(path, version.suites.get(path, b""))
    return sorted(_IGNORE.findall(text))


def _entries(files: Mapping[str, bytes], paths: Iterable[str]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for path in paths:
        if path in files:
            found |= entries(path, files[path])
    return found


def _how(is_before: bool, is_after: bool) -> str:  # noqa: FBT001 - two of a kind
    if is_before and is_after:
        return "changed"
    return "removed" if is_before else "added"


def _meaning(path: str, touched: set[str]) -> str:
    if path in touched:
        return "changes"
    if layout.decides(path) or layout.is_suite(path):
        return "formatting"
    return next((word for shape, word in _BESIDE if shape.fullmatch(path)), "uncovered")


def _change(
    old: Entry | None, new: Entry | None, sides: tuple[Snapshot, Snapshot]
) -> Change | None:
    one = old or new
    assert one is not None  # noqa: S101 - a reference is of something
    edits = tuple(_edits(old.words if old else {}, new.words if new else {}))
    if not edits and old and new:
        return None
    unit = sides[0].units.get(one.unit or "")
    return Change(
        ref=one.ref,
        kind=one.kind,
        how=_how(old is not None, new is not None),
        decides=_decides(one, edits, sides, is_both=bool(old and new)),
        owner=unit.owner if unit else one.owner,
        unit=one.unit,
        edits=edits,
        before=old.place if old else None,
        after=new.place if new else None,
    )


def _edits(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Edit]:
    """Words whose values differ; the order of a list means nothing, but of levels it does."""
    for word in sorted({*old, *new}):
        before, after = old.get(word), new.get(word)
        if word == "section" and (before is None or after is None):
            continue  # what is added or removed as a whole says so itself
        if _normal(word, before) != _normal(word, after):
            yield Edit(word, _text(before), _text(after))


def _normal(word: str, value: object) -> object:
    if isinstance(value, list) and word != "labels":
        return sorted(map(str, value))
    return value


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, list):
        return f"[{', '.join(str(_text(each)) for each in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_text(each)}' for key, each in value.items())}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decides(
    entry: Entry, edits: Iterable[Edit], sides: tuple[Snapshot, Snapshot], *, is_both: bool
) -> bool:
    """Whether a decision could see the change."""
    if entry.kind == "promotion":
        return not is_both
    if entry.kind in {"test", "category"}:
        return entry.kind == "category" and any(
            entry.ref.partition(":")[2] not in side.vocabulary.categories for side in sides
        )
    if entry.kind == "setting":
        return entry.ref.rpartition(":")[2] not in _SETTINGS_FOR_PEOPLE
    if part := PARTS.get(entry.kind):
        old, new = (_seen(getattr(side, part).get(key_of(entry.ref, entry.kind))) for side in sides)
        if old == new:
            return False
    quiet = _FOR_PEOPLE - _STAND_IN if entry.kind == "integration" else _FOR_PEOPLE
    return any(each.word not in quiet for each in edits)


def key_of(ref: str, kind: str) -> str:
    """The name by which a snapshot knows the thing."""
    return ref if kind == "rule" else ref.partition(":")[2]


def _seen(thing: Any) -> Any:  # noqa: ANN401 - a member of any part
    return replace(thing, place=_NOWHERE) if isinstance(thing, Rule) else thing
