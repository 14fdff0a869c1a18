"""Notices: what is told about a policy tree, by the loader, by a lint rule or by a review."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from policyd.model.findings import Finding


class Level(StrEnum):
    """How much a notice weighs; an error blocks."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Silence:
    """Why a notice is not to be acted on: who answers for that, and until when (its last day)."""

    owner: str
    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing told about a policy tree.

    `id` is what it is looked up and suppressed by, such as `PD702`; for the loader's findings it is
    their code. `about` names the thing that it is about in a way that outlives moved lines. `fix`
    says in words what `--fix` would do; it is empty where nothing can be done safely.
    """

    file: str
    line: int
    column: int
    id: str
    name: str
    level: Level
    message: str
    about: str = ""
    fix: str = ""
    silence: Silence | None = None

    @property
    def title(self) -> str:
        """The id, and the name where it says more."""
        return self.id if self.id == self.name else f"{self.id} {self.name}"

    def __str__(self) -> str:
        """`file:line:column: level title: message`, which editors and CI systems can follow."""
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.level} {self.title}: {self.message}"


def of_finding(finding: Finding) -> Notice:
    """The notice of what keeps a tree from going live."""
    file, line, column, code, message = finding
    return Notice(file, line, column, code, code, Level.ERROR, message, about=message)


def is_blocking(notice: Notice) -> bool:
    """Whether the tree should not go on with it."""
    return notice.level is Level.ERROR and notice.silence is None


def ordered(notices: Iterable[Notice]) -> list[Notice]:
    """By place."""
    return sorted(
        notices, key=lambda each: (each.file, each.line, each.column, each.id, each.about)
    )


_WEIGHTS = tuple(Level)


def worst_first(notices: Iterable[Notice]) -> list[Notice]:
    """By level, then by place."""
    return sorted(ordered(notices), key=lambda each: _WEIGHTS.index(each.level))


def fingerprints(notices: Iterable[Notice]) -> list[str]:
    """A name of each notice that stays the same while lines move, in the same order.

    Two that would have one name are numbered in the order in which they come.
    """
    seen: Counter[str] = Counter()
    found = []
    for each in notices:
        key = f"{each.id}\0{each.file}\0{each.about}"
        digest = sha256(f"{key}\0{seen[key]}".encode()).hexdigest()
        seen[key] += 1
        found.append(digest[:32])
    return found


def counts(notices: Iterable[Notice]) -> dict[str, int]:
    """How many there are of each level, and how many are suppressed."""
    levels = Counter("suppressed" if each.silence else each.level.value for each in notices)
    return {name: levels[name] for name in (*_WEIGHTS, "suppressed")}


def as_json(notices: Iterable[Notice]) -> dict[str, Any]:
    """The notices for a program."""
    listed = list(notices)
    return {"counts": counts(listed), "findings": [_object(each) for each in listed]}


def _object(notice: Notice) -> dict[str, Any]:
    told: dict[str, Any] = {
        "file": notice.file,
        "line": notice.line,
        "column": notice.column,
        "id": notice.id,
        "name": notice.name,
        "level": notice.level.value,
        "message": notice.message,
    }
    told |= {"fix": notice.fix} if notice.fix else {}
    silence = notice.silence
    if silence:
        told["suppressed"] = {
            "owner": silence.owner,
            "until": silence.until,
            "reason": silence.reason,
        }
    return told
