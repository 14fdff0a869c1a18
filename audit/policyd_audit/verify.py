"""Verification of a whole ledger: records, tiles, tree state, checkpoint and signature.

The tree is rebuilt from the bytes of the records; every other part is held to it. What is found is
reported, not raised, so that one report names all that can be told apart.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from policyd_audit import note
from policyd_audit.checkpoint import Checkpoint
from policyd_audit.claim import check_root, check_succession, claim_of, rewritten
from policyd_audit.errors import Contradiction, Malformed, VerificationError, shown
from policyd_audit.evidence import stored_hashes
from policyd_audit.ledger_file import LedgerFile, State
from policyd_audit.proof import Subtrees
from policyd_audit.report import Findings, Report
from policyd_audit.screening import Screen, in_full
from policyd_audit.shelved import ShelvedLedger
from policyd_audit.tree import HASH_BYTES, split
from policyd_audit.walk import LEVELS, Progress, Walk, range_name


def verify(
    ledger: LedgerFile,
    *,
    vkey: str | None = None,
    seen: Checkpoint | None = None,
    progress: Progress = lambda _done, _size: None,
    segments: Path | None = None,
    screen: Screen = in_full,
) -> Report:
    """Check the whole ledger and return all that was found.

    Args:
        ledger: The evidence.
        vkey: The log's verifier key; without it the signature stays unchecked.
        seen: A checkpoint of the log from before, with which it has to agree.
        progress: Called now and then with the records done and their number.
        segments: The folder with the segments of the ledger.
        screen: Looks at the records ahead of the walk; what is found does not depend on it.

    Raises:
        Malformed: *vkey* is not a verifier key.
    """
    key = None if vkey is None else note.parse_vkey(vkey)
    findings = Findings()
    state = _state(ledger, findings)
    claim = claim_of(state.note if state else None, key, findings)
    claimed = claim.checkpoint
    size = claimed.size if claimed else state.size if state else _rows(ledger)
    evidence = ShelvedLedger(ledger, segments, key) if segments else ledger
    walk = Walk(evidence, size, findings, progress, screen=screen)
    complete = walk.run(claimed.origin if claimed else None)
    if state:
        _check_state(state, claimed, walk, complete=complete, findings=findings)
    root = walk.tree.root() if complete else None
    check_root(claimed, root, findings)
    if claimed or state:
        _check_surplus_tiles(ledger, size, findings)
    agrees = _agrees(ledger, claimed, seen, findings) if complete and claimed and seen else None
    report = claim.report(root, findings, agrees, (walk.begin, walk.pruned_by))
    return replace(report, sealed=walk.sealed)


def _agrees(
    ledger: LedgerFile, claimed: Checkpoint, seen: Checkpoint, findings: Findings
) -> int | None:
    """Return the size of *seen*, if the ledger goes on from it."""
    try:
        check_succession(seen, claimed)
        if Subtrees(stored_hashes(ledger, claimed.size)).root(0, seen.size) != seen.root:
            raise rewritten(seen)
    except VerificationError as error:
        findings.add(error)
        return None
    return seen.size


def _state(ledger: LedgerFile, findings: Findings) -> State | None:
    try:
        return ledger.state()
    except VerificationError as error:
        findings.add(error)
        return None


def _rows(ledger: LedgerFile) -> int:
    """Return how many records there are, where nothing states how many there should be."""
    try:
        return ledger.count()
    except VerificationError:
        return 0  # the walk meets the same fault at once, and reports it


def _check_state(
    state: State, claimed: Checkpoint | None, walk: Walk, *, complete: bool, findings: Findings
) -> None:
    """Hold the tree state to the checkpoint, and where the walk was complete to the records."""
    if claimed and state.size != claimed.size:
        why = f"tree state: its size {state.size} is not that of the checkpoint, {claimed.size}"
        findings.add(Contradiction("state-differs", why))
    elif complete:
        _check_stack(state, walk, findings)
    if claimed and state.root != claimed.root:
        findings.add(
            Contradiction("state-differs", "tree state: its root is not that of the checkpoint")
        )


def _check_stack(state: State, walk: Walk, findings: Findings) -> None:
    """Report each stored subtree root that the records under it do not add up to."""
    if len(state.stack) != len(walk.tree.stack) * HASH_BYTES:
        why = f"tree state: its stack is not the {len(walk.tree.stack)} hashes of size {walk.size}"
        findings.add(Malformed("state-malformed", why))
        return
    subtrees = zip(_subtrees(walk.size), walk.tree.stack, split(state.stack), strict=True)
    for (height, first), ours, theirs in subtrees:
        if ours != theirs and not walk.explains(height, first):
            records = range_name(first, first + (1 << height))
            why = f"tree state: another hash is kept for {records}"
            findings.add(Contradiction("state-differs", why, record=first, records=1 << height))


def _subtrees(size: int) -> Iterator[tuple[int, int]]:
    """Yield height and first leaf of the perfect subtrees in a tree of *size*, left to right."""
    first = 0
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            yield height, first
            first += 1 << height


def _check_surplus_tiles(ledger: LedgerFile, size: int, findings: Findings) -> None:
    try:
        for level, index in ledger.tiles():
            if not _has_tile(size, level, index):
                name = f"{level}/{index}"
                why = f"tile {shown(name)} is stored, but a tree of size {size} has no such tile"
                findings.add(Contradiction("tile-unexpected", why))
    except VerificationError as error:
        findings.add(error)


def _has_tile(size: int, level: object, index: object) -> bool:
    if not isinstance(level, int) or not isinstance(index, int):
        return False
    return 0 <= level < LEVELS and 0 <= index < size >> 8 * (level + 1)
