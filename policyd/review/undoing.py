"""Undoing: the new snapshot with one change taken back, to see what that change was good for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from policyd.model.organisation import Integration
from policyd.model.rules import EVERYONE
from policyd.model.snapshot import Snapshot
from policyd.proof.grants import held
from policyd.review.artefact import Change
from policyd.review.changes import PARTS, key_of

_WHOLE = {"category": "vocabulary", "window": "calendar"}
_SETTINGS = {
    "policyd.yaml:rollout": "rollout",
    "policyd.yaml:grace_days": "grace_days",
    "policyd.yaml:labels": "vocabulary",
    "guardrails/destinations.yaml:unlisted": "unlisted",
    "guardrails/calendar.yaml:timezone": "calendar",
}


def undone(base: Snapshot, head: Snapshot, change: Change) -> Snapshot:
    """*head*, but for this one change: there it is as in *base*."""
    name = key_of(change.ref, change.kind)
    if change.kind == "promotion":
        return _restaged(base, head, [name])
    if change.kind not in PARTS:
        part = _WHOLE.get(change.kind) or _SETTINGS.get(change.ref)
        return _with(head, {part: getattr(base, part)} if part else {})
    part = PARTS[change.kind]
    taken = _with(head, {part: _swapped(getattr(base, part), getattr(head, part), name)})
    if change.kind == "template":
        users = [each.id for each in head.integrations.values() if each.template == name]
        return _restaged(base, taken, users)
    if change.kind == "integration":
        return _as_asked(taken, head, change, name)
    return _named(taken) if change.kind == "role" else taken


def _with(snapshot: Snapshot, members: dict[str, Any]) -> Snapshot:
    return replace(snapshot, **members)


def _swapped(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> dict[str, Any]:
    """*new* with *name* as in *old*; gone if it is not there."""
    rest = {key: value for key, value in new.items() if key != name}
    return {**rest, name: old[name]} if name in old else rest


def _named(snapshot: Snapshot) -> Snapshot:
    """The integrations with the names that their roles come to now."""
    found = {
        name: replace(who, names=_names(snapshot, who))
        for name, who in snapshot.integrations.items()
    }
    return replace(snapshot, integrations=found)


def _names(snapshot: Snapshot, who: Integration) -> frozenset[str]:
    return held(snapshot, who.unit, who.roles) | {who.id, who.unit, EVERYONE}


def _as_asked(taken: Snapshot, head: Snapshot, change: Change, name: str) -> Snapshot:
    """The integration as its unit wrote it before, among roles and promotions as they are now."""
    who = taken.integrations.get(name)
    if who is None:
        return taken
    is_restaged = any(each.word in {"stage", "template"} for each in change.edits)
    now = head.integrations.get(name)
    stage = who.stage if is_restaged or now is None else now.stage
    mine = replace(who, stage=stage, names=_names(taken, who))
    return replace(taken, integrations={**taken.integrations, name: mine})


def _restaged(base: Snapshot, head: Snapshot, names: list[str]) -> Snapshot:
    """The integrations with the stages that they had; a new one is a sandbox."""
    found = {
        name: replace(
            head.integrations[name],
            stage=base.integrations[name].stage if name in base.integrations else "sandbox",
        )
        for name in names
        if name in head.integrations
    }
    return replace(head, integrations={**head.integrations, **found})
