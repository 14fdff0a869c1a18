"""Routing: the lane of a change and who has to approve it, by what becomes reachable.

All of it is read from the base: no change can route itself.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from policyd.model.snapshot import Snapshot
from policyd.proof.proving import Verdict
from policyd.review.artefact import (
    Approver,
    Change,
    FileTold,
    Ground,
    Proof,
    RegionTold,
    Routing,
)
from policyd.review.sentences import concern, plural

FAST, SLOW = "fast", "slow"
_UNPROVED = (str(Verdict.MAYBE), str(Verdict.NOT_PROVED))


class Found(NamedTuple):
    """All that a route goes by.

    `keeper` is the owner who approves what nobody else answers for; `suppressed` are files in
    which what lint is told to leave aside is not the same.
    """

    sides: tuple[Snapshot, Snapshot]
    changes: Sequence[Change]
    regions: Sequence[RegionTold]
    files: Sequence[FileTold]
    proof: Proof
    keeper: str
    suppressed: Sequence[str] = ()


def route(found: Found) -> Routing:
    """The lane, its grounds, and the approvers."""
    grounds = tuple(sorted(set(_grounds(found))))
    return Routing(
        lane=SLOW if grounds else FAST,
        grounds=grounds,
        approvers=tuple(_approvers(found)),
    )


def _grounds(found: Found) -> Iterator[Ground]:
    """Every reason for which a person of central IT has to look."""
    yield from _of_proof(found.proof)
    for change in found.changes:
        yield from _of_change(change, found.sides)
    for each in found.files:
        if each.means == "uncovered":
            yield Ground("uncovered-file", each.path, "no rule says who answers for this file")
    for path in found.suppressed:
        yield Ground("suppression", path, "what lint leaves aside here is not the same")
    for region in found.regions:
        if region.verdict == Verdict.MAYBE:
            why = "the proof and the engine do not agree on it: please report it"
            yield Ground("not-proved", f"region {region.number}", why)


def _of_proof(proof: Proof) -> Iterator[Ground]:
    grants = {proof.guardrails.verdict, proof.guardrails.closing}
    if grants.intersection(_UNPROVED):
        why = "it could not be proved that the guardrails grant the same as before"
        yield Ground("guardrails-not-proved", "guardrails", why)
    elif Verdict.WIDENS in grants:
        why = "the guardrails do not grant units the same as before"
        yield Ground("guardrails-differ", "guardrails", why)
    if proof.access.verdict in _UNPROVED or proof.access.gaps:
        for gap in proof.access.gaps or ("a witness did not show its region",):
            yield Ground("not-proved", "access", gap)
    for unit in proof.units:
        if unit.verdict in _UNPROVED:
            why = "it could not be proved that the unit stays inside the guardrails"
            yield Ground("not-proved", f"unit:{unit.unit}", why)


_WHY = {
    "destination": "data could go to another place than before",
    "connection": "data could go to another place than before",
    "exemption": "a rule is lifted, for other calls or for longer",
    "role": "a role lets somebody reach what others may",
    "promotion": "an integration is brought to production",
    "unit": "central IT says what a unit may do, or how strictly",
}


def _of_change(change: Change, sides: tuple[Snapshot, Snapshot]) -> Iterator[Ground]:
    ref = change.ref
    if change.unit is None and change.decides:
        why = "it is one of the guardrails, whatever it opens"
        if change.how != "removed":
            why = _WHY.get(change.kind, why)
        if change.kind == "dataset" and _is_lowered(ref, sides):
            why = "data is said to be milder than it was"
        yield Ground("guardrail", ref, why)
    if ref in {"policyd.yaml:review", "policyd.yaml:lint"} or _moves_owner(change):
        yield Ground("review-rules", ref, "it changes who approves, or what lint blocks")
    if change.kind == "test" and change.unit is None and change.how != "added":
        yield Ground("promise", ref, "a promise of central IT is not the same, or gone")


def _moves_owner(change: Change) -> bool:
    is_owned = change.unit is None and change.kind != "integration" and change.how == "changed"
    return is_owned and any(each.word == "owner" for each in change.edits)


def _is_lowered(ref: str, sides: tuple[Snapshot, Snapshot]) -> bool:
    """Whether some field, listed or not, counts as milder than it did."""
    name = ref.partition(":")[2]
    old, new = (side.datasets.get(name) for side in sides)
    worst_old, worst_new = (side.vocabulary.worst for side in sides)
    before, after = (old.label if old else worst_old), (new.label if new else worst_new)
    fields = {*(old.fields if old else ()), *(new.fields if new else ())}
    pairs = [(before, after)] + [
        (
            old.fields.get(each, before) if old else worst_old,
            new.fields.get(each, after) if new else worst_new,
        )
        for each in sorted(fields)
    ]
    return any(was.joined(now) != now for was, now in pairs)


class _Need(NamedTuple):
    """That an owner has to approve: in which part, because of what, in which regions."""

    owner: str
    part: str
    about: tuple[str, ...]
    regions: tuple[int, ...] = ()


def _approvers(found: Found) -> list[Approver]:
    """Who has to approve, each with all reasons: the owners of what changes and what opens."""
    why: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    numbers: dict[str, set[int]] = defaultdict(set)
    for need in _needed(found):
        owner = need.owner if need.owner in found.sides[0].owners else found.keeper
        why[owner][need.part].update(need.about)
        numbers[owner].update(need.regions)
    return [
        Approver(
            owner,
            _contact(found, owner),
            tuple(concern(part, sorted(about)) for part, about in sorted(parts.items())),
            tuple(sorted(numbers[owner])),
        )
        for owner, parts in sorted(why.items())
    ]


def _needed(found: Found) -> Iterator[_Need]:
    seen = [each for each in found.changes if each.decides]
    if not seen:
        yield from _for_words(found)
    for change in seen:
        yield from _for_change(found, change)
    yield from _for_regions(found)
    codes = {each.code for each in _grounds(found)}
    is_same = found.proof.access.verdict == Verdict.PROVED
    # Guardrails that are proved to come to the same need nobody but who answers for them.
    if codes and not (is_same and codes == {"guardrail"}):
        yield _Need(found.keeper, "change", ("guardrails",))
    for file in found.files:
        if file.means == "uncovered":
            yield _Need(found.keeper, "change", (file.path,))


def _for_regions(found: Found) -> Iterator[_Need]:
    """The owners of the data and destinations of which more can be reached."""
    opens = (one for one in found.regions if one.side == "opens")
    for number, each in ((one.number, each) for one in opens for each in one.concerns):
        if each.part in {"data", "destination"}:
            yield _Need(each.owner, each.part, each.about, (number,))


def _for_words(found: Found) -> Iterator[_Need]:
    """Where no decision could see the change one approver of each part of the tree is enough."""
    for unit in sorted({_unit_of(each.path) or "" for each in found.files}):
        about = f"unit:{unit}" if unit else "guardrails"
        yield _Need(_unit_owner(found, unit) if unit else found.keeper, "change", (about,))


def _unit_of(path: str) -> str | None:
    return path.split("/")[1] if path.startswith("units/") else None


def _for_change(found: Found, change: Change) -> Iterator[_Need]:
    """Whoever answers for what changed; for a role that is given out, the role's owner too."""
    owner = _unit_owner(found, change.unit) if change.unit else change.owner or found.keeper
    yield _Need(owner, "change", (change.ref,), change.regions)
    if change.kind == "integration":
        for role in _given(found, change):
            yield _Need(
                found.sides[0].roles[role].owner, "change", (f"role:{role}",), change.regions
            )


def _given(found: Found, change: Change) -> list[str]:
    """Roles that the integration did not have, as far as the base knows them."""
    name = change.ref.partition(":")[2]
    old, new = (side.integrations.get(name) for side in found.sides)
    had, known = set(old.roles) if old else set(), found.sides[0].roles
    return sorted(each for each in (new.roles if new else ()) if each not in had and each in known)


def _unit_owner(found: Found, unit: str) -> str:
    known = found.sides[0].units.get(unit)
    return known.owner if known else found.keeper


def _contact(found: Found, owner: str) -> str:
    known = found.sides[0].owners[owner]
    gone = known.inactive_from
    stand_in = found.sides[0].owners[found.keeper].contact
    if gone and owner != found.keeper:
        return f"{known.contact} (nobody there from {gone:%Y-%m-%d}: then {stand_in})"
    return known.contact


def summary(routing: Routing) -> str:
    """The route in a few words.

    `slow lane, 3 approvals`.
    """
    count = len(routing.approvers)
    return f"{routing.lane} lane, {plural(count, 'approval')}"
