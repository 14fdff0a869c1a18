"""A review for a terminal: totals first and last, symbols beside words, as wide as it is."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len

from policyd.proof.wording import ALWAYS
from policyd.review.artefact import Change, RegionTold, Review
from policyd.review.headlines import (
    call_words,
    cause,
    concerned,
    decided,
    headline,
    lint_words,
    marked,
    means,
    proof_rows,
    test_words,
    told_lint,
    totals,
    waiting,
    what_of,
)
from policyd.review.replay_words import coverage, replay_words, told_rows
from policyd.review.routing import summary

_TOLD_CHANGES = 40
_TOLD_REGIONS = 60
_TOLD_ROWS = 20


class Line(NamedTuple):
    """One line, and the style that repeats what its words say."""

    text: str
    style: str = ""


def lines(review: Review, width: int | None) -> Iterator[Line]:
    """The review in lines of at most *width* cells, as far as its names allow; None: any width."""
    for indent, text, style in _told(review):
        yield from (Line(each, style) for each in _wrapped(text, indent, width))


_Told = tuple[int, str, str]  # how far the lines after the first are indented, text, style


def _told(review: Review) -> Iterator[_Told]:
    base, head = (_tree(each.name, each.commit) for each in (review.base, review.head))
    yield 0, f"{review.tool}  base {base}  head {head}", ""
    yield 0, headline(review), _STYLES[review.state]
    yield 0, totals(review), "bold"
    yield 0, "", ""
    yield from _checks(review)
    yield from _regions(review)
    yield from _replay(review)
    yield from _changes(review)
    yield from _route(review)
    yield 0, "", ""
    yield 0, f"digest {review.digest}", ""
    yield 0, f"{totals(review)} {waiting(review)}", _STYLES[review.state]


_STYLES = {
    "blocked": "bold red",
    "not-proved": "bold yellow",
    "opens": "bold yellow",
    "closes": "bold",
    "same": "bold green",
}


def _tree(name: str, commit: str | None) -> str:
    return f"{name} ({commit[:9]})" if commit else name


def _checks(review: Review) -> Iterator[_Told]:
    """What each step came to, in one row."""
    rows = [
        ("lint", lint_words(review)),
        ("tests", test_words(review)),
        *proof_rows(review),
    ]
    if review.replay:
        rows.append(("replay", replay_words(review.replay)))
    wide = max(len(name) for name, _ in rows)
    for name, said in rows:
        yield wide + 4, f"  {name:<{wide}}  {said}", ""
    for each in told_lint(review):
        style = "red" if each.level == "error" else ""
        yield 6, f"    {each.level} {each.file}:{each.line}: {each.title}: {each.message}", style
    for test in review.tests.told:
        yield 6, f"    {test.verdict} {test.file}:{test.line}: {test.it}", "red"
        for problem in test.problems:
            yield 8, f"      {problem}", ""


def _regions(review: Review) -> Iterator[_Told]:
    for region in review.regions[:_TOLD_REGIONS]:
        yield 0, "", ""
        yield from _region(region, review)
    if len(review.regions) > _TOLD_REGIONS:
        yield 0, "", ""
        yield 2, f"  and {len(review.regions) - _TOLD_REGIONS} more regions: see --json", "bold"


def _region(region: RegionTold, review: Review) -> Iterator[_Told]:
    style = "yellow" if region.side == "opens" else ""
    yield 4, f"  {marked(region)} {region.number}. {region.words}", style
    for ref in region.causes:
        yield 9, f"    by   {cause(ref, review)}", ""
    witness = region.witness
    when = "" if region.when == ALWAYS else f", at {witness.now[:16]}Z"
    yield 9, f"    e.g. {call_words(witness.call)}{when}", ""
    before, after = decided(witness.before), decided(witness.after)
    checked = "checked" if witness.shown else "MAYBE: the engines do not show it, please report it"
    yield 9, f"         before {before}; after {after}; {checked}", ""
    for owner, why in concerned(region):
        yield 9, f"    who  {owner}: {why}", ""


def _replay(review: Review) -> Iterator[_Told]:
    replay = review.replay
    said = [*coverage(replay)] if replay else []
    if replay is None or not said:
        return
    yield 0, "", ""
    yield 0, "replay", "bold"
    for each in [*told_rows(replay)][:_TOLD_ROWS]:
        yield 4, f"  {each.what}", "bold red" if each.is_bad else ""
        yield 6, f"    {each.decided}", ""
        yield 6, f"    {each.records}", ""
    if len(replay.rows) > _TOLD_ROWS:
        yield 2, f"  and {len(replay.rows) - _TOLD_ROWS} more rows: see --json", "bold"
    for line in said:
        yield 4, f"  {line}", ""


def _changes(review: Review) -> Iterator[_Told]:
    if not review.changes and not review.files:
        return
    yield 0, "", ""
    yield 0, "changes", "bold"
    for change in review.changes[:_TOLD_CHANGES]:
        yield from _change(change)
    if len(review.changes) > _TOLD_CHANGES:
        yield 2, f"  and {len(review.changes) - _TOLD_CHANGES} more: see --json", ""
    for file in review.files:
        if file.means != "changes" or review.head.snapshot is None:
            yield 4, f"  {file.how} {file.path}: {means(file)}", ""


def _change(change: Change) -> Iterator[_Told]:
    yield 4, f"  {change.how} {change.ref} ({change.place}): {what_of(change)}", ""
    if change.how == "changed":
        for edit in change.edits:
            yield (
                8,
                f"      {edit.word}: {edit.before or 'nothing'} -> {edit.after or 'nothing'}",
                "",
            )


def _route(review: Review) -> Iterator[_Told]:
    routing = review.routing
    yield 0, "", ""
    yield 2, f"lane     {summary(routing)}", "bold"
    for ground in routing.grounds:
        yield 11, f"         {ground.about}: {ground.message}", ""
    for each in routing.approvers:
        yield 11, f"approve  {each.owner} <{each.contact}>: {'; '.join(each.why)}", ""


def _wrapped(text: str, indent: int, width: int | None) -> list[str]:
    """*text* in lines of at most *width* cells; a name that is longer than that is never cut."""
    if width is None or cell_len(text) <= width:
        return [text]
    found, line = [], ""
    for word in re.findall(r"\s*\S+", text):
        if line.strip() and cell_len(line + word) > width:
            found.append(line)
            line = " " * min(indent, width // 3) + word.lstrip()
        else:
            line += word
    return [*found, line]
