"""Headlines: the few words that every rendering of a review has in common."""

from collections.abc import Iterator

from policyd.review.artefact import Change, FileTold, Proved, RegionTold, Review, Side
from policyd.review.notices import Level, Notice, is_blocking, worst_first
from policyd.review.sentences import concern, numbered, plural

_HEADLINES = {
    "blocked": "BLOCKED: {why}",
    "not-proved": "NOT PROVED: {why}",
    "opens": "OPENS ACCESS",
    "closes": "ONLY CLOSES: no call gains anything",
    "same": "CHANGES NO CALL",
}
_BLOCKS = {"lint": "lint has errors", "tests": "policy tests fail"}
_MARKS = {"opens": "+", "closes": "-", "duty": "~", "limit": "~"}


def headline(review: Review) -> str:
    """What is worst of all that is so."""
    why = " and ".join(_BLOCKS[each] for each in review.blocked_by)
    if review.state == "not-proved":
        why = "; ".join(review.proof.access.gaps) or "a region was not shown by the engines"
    if review.state == "opens" and not review.totals.opens:
        return "ASKS LESS of calls that are allowed"
    words = _HEADLINES[review.state].format(why=why)
    if review.state == "same" and not review.totals.deciding:
        return f"{words}: {plural(review.totals.files, 'file')} changed in form or words only"
    return words


def totals(review: Review) -> str:
    """How much opens and closes, in one sentence.

    `Opens 2, closes 1, drops 1 duty.`
    """
    all_, parts = review.totals, []
    for count, verb, one in (
        (all_.opens, "opens", ""),
        (all_.closes, "closes", ""),
        (all_.duties_lost, "drops", "duty"),
        (all_.duties_added, "adds", "duty"),
        (all_.limits_raised, "raises", "limit"),
        (all_.limits_lowered, "lowers", "limit"),
    ):
        if count or one == "":
            thing = f" {one if count == 1 else _MANY[one]}" if one else ""
            parts.append(f"{verb} {count}{thing}")
    text = ", ".join(parts)
    changed = f"{plural(all_.changes, 'change')} in {plural(all_.files, 'file')}"
    return f"{text[:1].upper()}{text[1:]}; {changed}."


_MANY = {"duty": "duties", "limit": "limits"}


def waiting(review: Review) -> str:
    """What the change waits for."""
    if review.blocked_by:
        return f"Blocked: {headline(review).partition(': ')[2]}."
    count = len(review.routing.approvers)
    return f"Waiting for {plural(count, 'approval')}."


def marked(region: RegionTold) -> str:
    """Symbol and word of a region: `+ opens`, `~ duty dropped`."""
    if region.kind == "duty":
        return "~ duty dropped" if region.side == "opens" else "~ duty added"
    if region.kind == "limit":
        return "~ limit raised" if region.side == "opens" else "~ limit lowered"
    return f"{_MARKS[region.side]} {region.side}"


def concerned(region: RegionTold) -> list[tuple[str, str]]:
    """Whose data, destinations and integrations a region is about, each owner once."""
    found: dict[str, list[str]] = {}
    for each in region.concerns:
        if each.part != "change":
            found.setdefault(each.owner, []).append(concern(each.part, each.about))
    return [(owner, "; ".join(why)) for owner, why in found.items()]


def proof_rows(review: Review) -> Iterator[tuple[str, str]]:
    """What was proved: a name for what it is about, and the verdict."""
    proof = review.proof
    counts = [sum(each.side == side for each in review.regions) for side in ("opens", "closes")]
    yield "calls", _verdict(proof.access, *(plural(count, "region") for count in counts))
    yield "guardrails", _verdict(proof.guardrails, "what units may have", "what they had")
    for unit in proof.units:
        yield f"unit {unit.unit}", _unit_words(unit.verdict, unit.told)


def _verdict(proved: Proved, opens: str, closes: str) -> str:
    """What a proof came to in words."""
    if proved.verdict == "widens":
        said = f"OPENS {opens}" + (f", closes {closes}" if proved.closing == "widens" else "")
    elif proved.verdict == "proved":
        is_less = proved.closing == "widens"
        said = f"PROVED: opens nothing, closes {closes}" if is_less else "PROVED the same"
    else:
        said = {"maybe": "MAYBE", "not-proved": "NOT PROVED"}[proved.verdict]
    return f"{said}; not decided: {'; '.join(proved.gaps)}" if proved.gaps else said


def _unit_words(verdict: str, told: tuple[str, ...]) -> str:
    if verdict == "proved":
        return "PROVED inside the guardrails of the base"
    beyond = "; ".join(told[:2])
    if verdict == "widens":
        return f"beyond the guardrails of the base, since they change too: {beyond}"
    return f"NOT PROVED inside the guardrails: {beyond}"


def lint_words(review: Review) -> str:
    """What lint came to."""
    all_ = review.totals
    silent = f", {all_.suppressed} suppressed" if all_.suppressed else ""
    return f"{plural(all_.errors, 'error')}, {plural(all_.warnings, 'warning')}{silent}"


def told_lint(review: Review) -> list[Notice]:
    """What is told of lint: all that blocks, and of the files that change what is no mere hint."""
    changed = {each.path for each in review.files}
    return [
        each
        for each in worst_first(review.lint)
        if is_blocking(each)
        or (each.level is not Level.INFO and each.file in changed and not each.silence)
    ]


def test_words(review: Review) -> str:
    """What the tests came to."""
    if review.head.snapshot is None:
        return "not run"
    tests = review.tests
    more = (
        (tests.not_proved, "not proved"),
        (tests.errors, "could not be asked"),
        (tests.skipped, "skipped"),
    )
    told = "".join(f", {count} {word}" for count, word in more if count)
    return f"{tests.passed} passed, {tests.failed} failed{told}"


def cause(ref: str, review: Review) -> str:
    """A change that makes a region, with its place and owner."""
    change = next(each for each in review.changes if each.ref == ref)
    owner = f", of {change.owner}" if change.owner else ""
    return f"{ref} {change.how} ({change.place}{owner})"


def call_words(call: dict[str, object]) -> str:
    """A call of a witness in one line."""
    subject, resource = call["subject"], call["resource"]
    assert isinstance(subject, dict)  # noqa: S101 - how a call is written
    assert isinstance(resource, dict)  # noqa: S101 - same reason
    words = [str(subject["id"]), str(call["action"]), str(resource["id"])]
    for name, word in (("fields", "fields"), ("labels", "asserting"), ("sources", "from")):
        if values := call.get(name):
            assert isinstance(values, list | tuple)  # noqa: S101 - same reason
            words.append(f"{word} {','.join(map(str, values))}")
    if "rows" in call:
        words.append(f"{call['rows']} rows")
    if endpoint := call.get("endpoint"):
        path = f" {call['path']}" if "path" in call else ""
        words.append(f"-> {call.get('method', '')} {endpoint}{path}".replace("  ", " "))
    return " ".join(words)


def decided(side: Side) -> str:
    """What one side says of a witness."""
    if side.allow:
        owes = f" owing {'; '.join(side.owes)}" if side.owes else ""
        passed = " (only in a roll-out)" if side.would_deny else ""
        return f"ALLOW{passed}{owes}"
    return f"DENY ({', '.join(side.reasons[:4])})"


def means(file: FileTold) -> str:
    """What it means that a file changed, where no change of it is listed."""
    return _MEANS[file.means]


_MEANS = {
    "changes": "not compared",
    "formatting": "formatting only",
    "tests": "policy tests",
    "prose": "prose",
    "uncovered": "covered by no rule",
}


def what_of(change: Change) -> str:
    """What a change does to calls."""
    if change.kind == "test":
        return "a policy test"
    if not change.decides:
        return "words only"
    return numbered(change.regions) or "changes no call"
