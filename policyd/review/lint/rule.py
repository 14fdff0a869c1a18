"""Lint rules: what one is, and what it finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from policyd.model.rules import Place
from policyd.policy.documents import Path
from policyd.review.lint.edits import Edit
from policyd.review.lint.subject import Subject
from policyd.review.notices import Level

ERROR, WARNING, INFO, OFF = Level.ERROR, Level.WARNING, Level.INFO, None


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a rule is broken.

    `about` names the thing in a way that outlives moved lines. What mends it where that is safe:
    keys that are taken out of the file (`removes`), or pieces of its text (`edits`); `fix` says so.
    """

    place: Place
    message: str
    about: str
    removes: tuple[Path, ...] = ()
    edits: tuple[Edit, ...] = ()
    fix: str = ""


@dataclass(frozen=True, slots=True)
class LintRule:
    """A rule, with its default level in IT's files and in those of units (None: off).

    `finds` completes "PD702 finds …". `avoid` and `prefer` are pieces of policy files, `why` the
    reason. `is_fixed` says whether `--fix` mends it.
    """

    id: str
    name: str
    guardrails: Level | None
    units: Level | None
    finds: str
    avoid: str
    prefer: str
    why: str
    check: Callable[[Subject], Iterator[Hit]] | None
    is_fixed: bool = False
