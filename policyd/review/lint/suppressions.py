"""Suppressions: comments that say why something may stay as it is, for now.

    # policyd: ignore PD702 until=2026-06-30 owner=plant-it reason="the machines have no names"

Such a comment is about the line it stands on; one on a line of its own, about the next line with
content. It silences the rules it names and no others, until the end of its last day.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from policyd.model.rules import Place
from policyd.policy import layout, times
from policyd.policy.documents import MAX_BYTES
from policyd.policy.wording import did_you_mean, quoted
from policyd.review.lint.edits import Edit
from policyd.review.lint.rule import ERROR, WARNING, Hit, LintRule
from policyd.review.notices import Silence

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MARK = re.compile(r"#[ \t]*policyd[ \t]*:[ \t]*([^\r\n]*)")
_WORD = re.compile(r'([a-z]+)=(?:"([^"]*)"|([^\s"]+))|(\S+)')
_CONTENT = re.compile(r"\n[ \t]*([^\s#])")
_PARTS = ("until", "owner", "reason")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment: where it stands, which line it is about, and what it says.

    `problems` has what is wrong with it in words; one with a problem silences nothing.
    """

    place: Place
    line: int
    ids: tuple[str, ...]
    until: str
    silence: Silence
    problems: tuple[str, ...]
    edit: Edit  # takes it out

    def is_over(self, clock: datetime) -> bool:
        """Whether its last day has passed."""
        return times.end(self.until) <= clock


def suppressions(
    file: str, text: str, owners: Sequence[str], known: Sequence[str]
) -> list[Suppression]:
    """The suppressions in a file.

    Args:
        file: Its path.
        text: Its content.
        owners: Who may answer for one.
        known: The ids that may be suppressed.
    """
    if len(text) > MAX_BYTES:
        return []
    marks = list(_MARK.finditer(text))
    if not marks:
        return []
    values = _values(text)
    return [
        _suppression(file, text, mark, owners, known)
        for mark in marks
        if _is_comment(text, mark.start(), values)
    ]


def _is_comment(text: str, at: int, values: list[tuple[int, int]]) -> bool:
    """Whether a comment begins at *at*, not before it, and no value holds it."""
    if any(start <= at < end for start, end in values):
        return False
    line = text.rfind("\n", 0, at) + 1
    hashes = [found.start() for found in re.finditer("(?<![^ \t\n])#", text[line : at + 1])]
    is_value = (any(start <= line + each < end for start, end in values) for each in hashes[:-1])
    return bool(hashes) and line + hashes[-1] == at and all(is_value)


def _values(text: str) -> list[tuple[int, int]]:
    """Where values stand that could hold what looks like a comment."""
    tokens: Any = yaml.scan(text, Loader=_LOADER)
    return [
        (each.start_mark.index, each.end_mark.index)
        for each in tokens
        if isinstance(each, yaml.ScalarToken)
    ]


def _suppression(
    file: str, text: str, mark: re.Match[str], owners: Sequence[str], known: Sequence[str]
) -> Suppression:
    start = text.rfind("\n", 0, mark.start()) + 1
    number = text.count("\n", 0, start) + 1
    is_alone = not text[start : mark.start()].strip()
    ids, said, odd = _read(mark[1])
    problems = [*odd, *(_problems(ids, said, owners, known) if ids or said else ())]
    return Suppression(
        place=Place(file, number, mark.start() - start + 1),
        line=_next_line(text, mark.end(), number) if is_alone else number,
        ids=ids,
        until=said.get("until", ""),
        silence=Silence(said.get("owner", ""), said.get("until", ""), said.get("reason", "")),
        problems=tuple(problems),
        edit=_edit(file, text, mark, start, is_alone=is_alone),
    )


def _read(words: str) -> tuple[tuple[str, ...], dict[str, str], list[str]]:
    """The ids, the parts by name, and what cannot be understood."""
    ids: list[str] = []
    said: dict[str, str] = {}
    odd: list[str] = []
    parts = list(_WORD.finditer(words))
    if not parts or parts[0][0] != "ignore":
        return (), {}, [f"{quoted(words)} means nothing; write `ignore PD702 until=…`"]
    for part in parts[1:]:
        name, value = part[1], part[2] if part[2] is not None else part[3]
        if name in _PARTS and name not in said:
            said[name] = value
        elif name:
            odd.append(f"{quoted(part[0])} means nothing here, or stands here twice")
        elif re.fullmatch(r"PD[0-9]{3},?", part[0]) and not said:
            ids.append(part[0].rstrip(","))
        else:
            odd.append(f"{quoted(part[0])} means nothing here; words with spaces go in quotes")
    return tuple(ids), said, odd


def _problems(
    ids: Sequence[str], said: dict[str, str], owners: Sequence[str], known: Sequence[str]
) -> Iterator[str]:
    """What keeps a suppression from silencing anything."""
    if not ids:
        yield "it names no rule, such as PD702"
    for each in ids:
        if each not in known:
            yield f"there is no rule `{each}` to suppress{did_you_mean(each, known)}"
    missing = [f"`{part}=`" for part in _PARTS if not said.get(part, "").strip()]
    if missing:
        yield f"it lacks {', '.join(missing)}"
    owner, until = said.get("owner"), said.get("until")
    if owner and owner not in owners:
        yield f"{layout.COMPANY} has no owner {quoted(owner)}{did_you_mean(owner, owners)}"
    if until and not (re.fullmatch(r"20\d\d-\d\d-\d\d", until) and times.is_day(until)):
        yield f"{quoted(until)} is no day such as 2026-06-30"


def _next_line(text: str, at: int, number: int) -> int:
    """The number of the next line after *at* that has more than a comment; 0 if there is none."""
    found = _CONTENT.search(text, at)
    return number + text.count("\n", at, found.start(1)) if found else 0


def _edit(file: str, text: str, mark: re.Match[str], start: int, *, is_alone: bool) -> Edit:
    """What takes the comment out: its line, or the end of one with the space before."""
    if is_alone:
        end = text.find("\n", mark.end())
        return Edit(file, start, len(text) if end < 0 else end + 1)
    before = text[start : mark.start()]
    return Edit(file, start + len(before.rstrip()), mark.end())


def told(
    found: Suppression, clock: datetime, used: frozenset[str], *, is_firm: frozenset[str]
) -> Iterator[tuple[str, Hit]]:
    """What is wrong with a suppression: the id of the rule, and the hit.

    Args:
        found: It.
        clock: The company's clock.
        used: The ids of which it silenced something.
        is_firm: The ids that it may not silence here.
    """
    for problem in found.problems:
        yield "PD803", Hit(found.place, problem, f"suppression {problem}")
    if found.problems:
        return
    about = f"suppression {' '.join(found.ids)}"
    if found.is_over(clock):
        message = f"it ended on {found.until}, and silences nothing any more"
        yield "PD804", Hit(found.place, message, about, edits=(found.edit,), fix="take it out")
        return
    for each in found.ids:
        if each in is_firm:
            message = f"{each} is an error here, and errors of guardrails cannot be suppressed"
            yield "PD803", Hit(found.place, message, f"{about} {each}")
        elif each not in used:
            # One of several ids is not taken out by itself: the comment is somebody's sentence.
            edits = (found.edit,) if not used and not is_firm else ()
            message = (
                f"{each} finds nothing on line {found.line}"
                if found.line
                else (f"{each} finds nothing: no line follows")
            )
            fix = "take it out" if edits else ""
            yield "PD802", Hit(found.place, message, f"{about} {each}", edits=edits, fix=fix)


RULES = (
    LintRule(
        id="PD802",
        name="unused-suppression",
        guardrails=WARNING,
        units=WARNING,
        finds="a suppression that silences nothing",
        avoid='# policyd: ignore PD702 until=2026-12-31 owner=it reason="no names"\n'
        "hosts: [dock.partner.example]",
        prefer="hosts: [dock.partner.example]",
        why="It waits for the next mistake on that line.",
        check=None,
        is_fixed=True,
    ),
    LintRule(
        id="PD803",
        name="broken-suppression",
        guardrails=ERROR,
        units=WARNING,
        finds="a suppression without rule, owner, reason or last day, or of what may not be "
        "suppressed",
        avoid="hosts: [203.0.113.7]     # policyd: ignore PD702",
        prefer="hosts: [203.0.113.7]     # policyd: ignore PD702 until=2026-12-31 owner=plant-it "
        'reason="the machines have no names"',
        why="Someone has to answer for what stays wrong, and to look again on a certain day. Such "
        "a comment silences nothing. Errors in IT's own files cannot be suppressed at all.",
        check=None,
    ),
    LintRule(
        id="PD804",
        name="expired-suppression",
        guardrails=WARNING,
        units=WARNING,
        finds="a suppression whose last day has passed",
        avoid='# policyd: ignore PD702 until=2025-12-31 owner=it reason="until they have names"',
        prefer="# nothing, or a new day that somebody decided on",
        why="What it silenced is told again. A later day is a decision, and is reviewed as one.",
        check=None,
        is_fixed=True,
    ),
)
