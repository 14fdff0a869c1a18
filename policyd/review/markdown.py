"""A review as one comment under a change, in Markdown: totals first, and never too long.

The hidden marker on the first line lets whoever posts it find the last one and replace it.
"""

from collections.abc import Iterator

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
from policyd.review.replayed import Replayed
from policyd.review.routing import summary
from policyd.review.sentences import numbered, plural

LIMIT = 65_536
"""Characters that a comment may have where most of them are posted."""
_ROOM = LIMIT - 1_000  # for what ends a comment that had to be cut
_NAME = 120  # characters of a tree's name in the marker


def comment(review: Review) -> str:
    """The comment, of fewer than `LIMIT` characters whatever the review has."""
    text = "\n".join(_head(review))
    left = 0
    for part in _parts(review):
        if len(text) + len(part) + 2 > _ROOM:
            left += 1
        elif not left:
            text += f"\n\n{part}"
    if left:
        parts = plural(left, "more part")
        text += f"\n\n**{parts} of this review did not fit: see review.json.**"
    return f"{text}\n\n{totals(review)} {_safe(waiting(review))}\n"


def _head(review: Review) -> Iterator[str]:
    """Marker, headline, one row for each step, and the totals."""
    names = "..".join(_marker(each.name) for each in (review.base, review.head))
    yield f"<!-- policyd:review key={names} -->"
    yield f"### policyd review: **{_safe(headline(review)[:400])}** · {summary(review.routing)}"
    yield ""
    rows = [
        ("lint", lint_words(review)),
        ("tests", test_words(review)),
        *((name, said[:400]) for name, said in list(proof_rows(review))[:40]),
    ]
    if review.replay:
        rows.append(("replay", replay_words(review.replay)[:400]))
    yield f"| {' | '.join(_safe(name) for name, _ in rows)} |"
    yield f"|{'---|' * len(rows)}"
    yield f"| {' | '.join(_safe(said) for _, said in rows)} |"
    yield ""
    yield f"**{totals(review)}**"


def _parts(review: Review) -> Iterator[str]:
    """The rest in paragraphs, what matters most first."""
    yield from _blocking(review)
    opens = [each for each in review.regions if each.side == "opens"]
    yield "\n".join(_route(review))
    yield from ("\n".join(_region(each, review)) for each in opens)
    yield from ("\n".join(_region(each, review)) for each in review.regions if each not in opens)
    if review.replay:
        yield from _listed("Replay of the log", [*_replay(review.replay)])
    yield from _changes(review)
    yield _details(review)


def _blocking(review: Review) -> Iterator[str]:
    found = [
        f"- {each.level} `{each.file}:{each.line}`: {each.title}: {_safe(each.message)}"
        for each in told_lint(review)
    ]
    for test in review.tests.told:
        found.append(f"- {test.verdict} `{test.file}:{test.line}`: {_safe(test.it)}")
        found += [f"  - {_safe(each)}" for each in test.problems]
    yield from _listed("Lint and tests", found)


def _listed(title: str, items: list[str], size: int = 40) -> Iterator[str]:
    """A list in pieces, so that a long one fills what room there is."""
    for start in range(0, len(items), size):
        head = f"#### {title}\n" if start == 0 else ""
        yield head + "\n".join(items[start : start + size])


def _route(review: Review) -> Iterator[str]:
    routing = review.routing
    yield f"#### Who must approve ({routing.lane} lane)"
    for each in routing.approvers[:60]:
        why = "; ".join(each.why)
        regions = f" ({numbered(each.regions)})" if each.regions else ""
        yield f"- [ ] **{_safe(each.owner)}** {_safe(each.contact)}: {_safe(why)}{regions}"
    if routing.grounds:
        yield ""
        yield "Slow lane because:"
    for ground in routing.grounds[:60]:
        yield f"- `{ground.about}`: {_safe(ground.message)}"


def _region(region: RegionTold, review: Review) -> Iterator[str]:
    yield f"#### {marked(region)} {region.number}. {_safe(region.words)}"
    for ref in region.causes[:20]:
        yield f"- by {_safe(cause(ref, review))}"
    witness = region.witness
    when = "" if region.when == ALWAYS else f", at {witness.now[:16]}Z"
    before, after = decided(witness.before), decided(witness.after)
    checked = "checked" if witness.shown else "**MAYBE**: the engines do not show it"
    yield f"- for example `{_code(call_words(witness.call))}`{when}"
    yield f"- before {_safe(before)}; after {_safe(after)}; {checked}"
    for owner, why in concerned(region):
        yield f"- {_safe(owner)}: {_safe(why)}"


def _replay(replay: Replayed) -> Iterator[str]:
    for each in told_rows(replay):
        yield f"- {_safe(each.what[2:])}"
        yield f"  - {_safe(each.decided)}"
        yield f"  - {_safe(each.records)}"
    yield from (f"- {_safe(each)}" for each in coverage(replay))


def _changes(review: Review) -> Iterator[str]:
    items = [line for each in review.changes for line in _change(each)]
    items += [
        f"- {each.how} `{_code(each.path)}`: {means(each)}"
        for each in review.files
        if each.means != "changes" or review.head.snapshot is None
    ]
    yield from _listed("Changes", items)


def _change(change: Change) -> Iterator[str]:
    yield f"- {change.how} `{_code(change.ref)}` (`{change.place}`): {what_of(change)}"
    if change.how == "changed":
        for edit in change.edits:
            before, after = edit.before or "nothing", edit.after or "nothing"
            yield f"  - {_safe(edit.word)}: `{_code(before)}` → `{_code(after)}`"


def _details(review: Review) -> str:
    base, head = review.base, review.head
    rows = [
        f"- {name} `{_code(each.name)}`, commit {each.commit or 'none'}, {each.snapshot}"
        for name, each in (("base", base), ("head", head))
    ]
    rows += [f"- review {review.digest}", f"- decisions {review.decisions}", f"- {review.tool}"]
    return "\n".join(["<details><summary>Details</summary>", "", *rows, "", "</details>"])


def _safe(text: str) -> str:
    """*text* as words of a comment: no markup, no mention of a person, one line."""
    plain = " ".join(text.split())
    for mark, instead in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("@", "&#64;")):
        plain = plain.replace(mark, instead)
    return plain


def _code(text: str) -> str:
    """*text* between two back-ticks, in which nothing can end them."""
    return " ".join(text.split()).replace("`", "'")


def _marker(name: str) -> str:
    """A tree's name in a comment of HTML, which it cannot end."""
    return name[:_NAME].replace("-->", "").replace("--", "—").replace("\n", " ")
