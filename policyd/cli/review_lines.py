"""A change and its review in lines, as a terminal shows them."""

from collections.abc import Iterator
from typing import Any

_TOLD = 12  # regions that are shown

_SIGNS = {"opens": "+ opens ", "closes": "- closes"}
_HEADLINES = {
    "proved": "opens nothing: proved for every call",
    "widens": "opens calls that were closed",
    "maybe": "may open calls: the proof and the engine do not agree",
    "not-proved": "is not proved",
}


def review_lines(found: dict[str, Any]) -> Iterator[str]:
    """What a review found: the sum of it, what is wrong, what it opens and closes."""
    regions = found.get("regions", ())
    counts = {side: sum(each["side"] == side for each in regions) for side in _SIGNS}
    headline = _HEADLINES.get(found["verdict"], found["verdict"])
    if found.get("blocked_by"):
        headline = f"is blocked by {', '.join(found['blocked_by'])}"
    yield f"it {headline} ({counts['opens']} opened, {counts['closes']} closed)"
    yield from (f"  ! {each}" for each in found.get("findings", ()))
    yield from (f"  ? {each}" for each in found.get("gaps", ()))
    for each in sorted(regions, key=lambda one: str(one["side"]), reverse=True)[:_TOLD]:
        yield f"  {_SIGNS[each['side']]}  {each['words']}"
    if len(regions) > _TOLD:
        yield f"  and {len(regions) - _TOLD} more: --json has all"
    if replay := (found.get("review") or {}).get("replay"):
        yield from _replay_lines(replay)


def _replay_lines(said: dict[str, Any]) -> Iterator[str]:
    """What becomes of calls that were recorded."""
    import msgspec

    from policyd.review.replay_words import coverage, replay_words, told_rows
    from policyd.review.replayed import Replayed

    replay = msgspec.convert(said, Replayed)
    yield f"replay    {replay_words(replay)}"
    for each in [*told_rows(replay)][:_TOLD]:
        yield f"  {each.what}"
        yield f"      {each.decided}"
        yield f"      {each.records}"
    if len(replay.rows) > _TOLD:
        yield f"  and {len(replay.rows) - _TOLD} more: --json has all"
    yield from (f"  {each}" for each in coverage(replay))


def change_lines(change: dict[str, Any]) -> Iterator[str]:
    """Where a change is, and what it waits for."""
    yield f"change    {change['id']}  {change['title']}"
    yield f"state     {change['state']}{_ended(change)}"
    yield f"from      {', '.join(change['authors'])}: {change['reason']}"
    yield f"base      {change['base']}"
    yield f"snapshot  {change['snapshot']}"
    if change["lane"]:
        yield f"lane      {change['lane']}"
    for each in change["approvals"]:
        yield f"approved  by {each['holder']}" + (f" for {each['owner']}" if each["owner"] else "")
    if waiting := waits_for(change):
        yield f"waits     for {waiting}"
    if said := change["emergency"]:
        yield f"emergency {said['reason']} (until {said['until']})"


def waits_for(change: dict[str, Any]) -> str:
    """Whose approval is missing, in words; empty if nobody's is."""
    if change["state"] not in {"reviewed", "published"} or change["decision"] is None:
        return "its review" if change["state"] == "proposed" else ""
    parts = [f"the approval of {', '.join(change['missing'])}"] if change["missing"] else []
    if change["lacking"] > len(change["missing"]):
        parts.append(f"{change['lacking']} people in all")
    return " and ".join(parts)


def _ended(change: dict[str, Any]) -> str:
    said = change["ended"] or change["progress"]
    return f" ({said})" if said else ""
