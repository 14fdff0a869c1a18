"""Verification of a tiled log: checkpoint and signature, records, every tile, and what was seen.

The tree is rebuilt from the bytes of the records, and every tile is held to it. What a checkpoint
from before covers need not be read again: the hashes that stand for it must add up to the root it
had, and the new records together with them to the new root.
"""

from policyd_audit import note, record
from policyd_audit.checkpoint import Checkpoint
from policyd_audit.claim import check_root, check_succession, claim_of, rewritten
from policyd_audit.errors import Contradiction, Malformed, VerificationError
from policyd_audit.layout import resource_at
from policyd_audit.report import Findings, Report
from policyd_audit.screening import Screen, in_full
from policyd_audit.tiled_log import TiledLog
from policyd_audit.tree import TILE_WIDTH, Tree
from policyd_audit.walk import Progress, Walk, range_name


def verify_log(
    log: TiledLog,
    *,
    vkey: str | None = None,
    seen: Checkpoint | None = None,
    progress: Progress = lambda _done, _size: None,
    screen: Screen = in_full,
) -> Report:
    """Check the log as of its newest checkpoint and return all that was found.

    Args:
        log: The evidence.
        vkey: The log's verifier key; without it the signature stays unchecked.
        seen: A checkpoint of it that was verified before; only what came later is read.
        progress: Called now and then with the records done and their number.
        screen: Looks at the records ahead of the walk; what is found does not depend on it.

    Raises:
        Malformed: *vkey* is not a verifier key.
        Unreadable: the log cannot be had now.
    """
    key = None if vkey is None else note.parse_vkey(vkey)
    findings = Findings()
    claim = claim_of(_note(log, findings), key, findings)
    claimed = claim.checkpoint
    if claimed is None:
        return claim.report(None, findings, None)
    log.size = claimed.size
    tree = _seen_tree(log, claimed, seen, findings)
    if tree is None:
        return claim.report(None, findings, None)
    walk = Walk(log, claimed.size, findings, progress, tree, screen)
    if seen and seen.size:
        _go_on(log, walk, seen.size, findings)
    complete = walk.run(claimed.origin)
    if complete:
        _check_edge(log, walk, findings)
    root = walk.tree.root() if complete else None
    check_root(claimed, root, findings)
    before = seen.size if seen else None
    return claim.report(root, findings, before, (walk.begin, walk.pruned_by))


def _note(log: TiledLog, findings: Findings) -> str | None:
    try:
        return log.note()
    except Malformed as error:
        findings.add(error)
        return None


def _seen_tree(
    log: TiledLog, claimed: Checkpoint, seen: Checkpoint | None, findings: Findings
) -> Tree | None:
    """Return the tree to go on from; None where the log contradicts what was seen."""
    if seen is None:
        return Tree()
    try:
        check_succession(seen, claimed)
        tree = log.tree(seen.size)
        if tree.root() != seen.root:
            raise rewritten(seen)
    except (Malformed, Contradiction) as error:
        findings.add(error)
        return None
    return tree


def _go_on(log: TiledLog, walk: Walk, first: int, findings: Findings) -> None:
    """Let the walk know the time of the last record it need not look at."""
    try:
        if first - 1 < log.first():
            return  # it was pruned since
        walk.latest = record.parse(log.record(first - 1))["ts"]
    except Malformed as error:
        findings.add(error)


def _check_edge(log: TiledLog, walk: Walk, findings: Findings) -> None:
    """Hold the partial tiles to the tree; those of level 0 were, record by record."""
    for level, hashes in enumerate(walk.tree.edge):
        number = (walk.size >> 8 * level) // TILE_WIDTH
        resource = resource_at(walk.size, level, number)
        if resource is None:
            continue
        try:
            stored = log.hashes(level, number * TILE_WIDTH, resource.width)
        except VerificationError as error:
            findings.add(error)
            continue
        for at, (ours, theirs) in enumerate(zip(hashes, stored, strict=True)):
            first = (number * TILE_WIDTH + at) << 8 * level
            if ours != theirs and not walk.explains(8 * level, first):
                records = range_name(first, first + (1 << 8 * level))
                why = f"tile {resource.path} does not match {records} at position {at}"
                findings.add(Contradiction("tile-differs", why, tile=resource.path, position=at))
