"""Claim: what a log says of itself in its signed checkpoint, and what must follow from it."""

from typing import NamedTuple

from policyd_audit import checkpoint, cosignature, note
from policyd_audit.checkpoint import Checkpoint
from policyd_audit.errors import Contradiction, Malformed, SignatureError, shown
from policyd_audit.note import Key, Note
from policyd_audit.report import Findings, Report, Signature


class Claim(NamedTuple):
    """A log's checkpoint, if it can be read, and whether the key signed it."""

    checkpoint: Checkpoint | None
    signature: Signature
    note: str | None = None
    cosigned: int | None = None

    def report(self, root: bytes | None, findings: Findings, seen: int | None) -> Report:
        """Return the report of a verification that came to this *root*."""
        found = tuple(findings)
        more = findings.more
        return Report(
            self.checkpoint, root, self.signature, found, more, self.note, seen, self.cosigned
        )


def claim_of(text: str | None, key: Key | None, findings: Findings) -> Claim:
    """Return what the signed note *text* claims; what is wrong with it goes to *findings*.

    Args:
        text: The note; None where there is none, which was reported before.
        key: The log's; None leaves the signature unchecked.
        findings: Where differences go.
    """
    signature: Signature = "bad" if key else "unchecked"
    if text is None:
        return Claim(None, signature)
    try:
        parsed = note.parse(text)
        claimed = checkpoint.parse(parsed.text)
    except Malformed as error:
        findings.add(error)
        return Claim(None, signature)
    if key is None:
        return Claim(claimed, signature, text)
    cosigned = None
    try:
        note.verify(parsed, key)
        cosigned = cosignature.time_of(parsed, key)
    except SignatureError as error:
        findings.add(error)
    else:
        signature = "good"
    if claimed.origin != key.name:
        why = f"checkpoint: it is of the log {shown(claimed.origin)}, not {shown(key.name)}"
        findings.add(Contradiction("checkpoint-origin", why))
    return Claim(claimed, signature, text, cosigned)


def remembered(text: str) -> Checkpoint:
    """Return the checkpoint of a note that was kept; whoever kept it has checked its signature.

    Raises:
        Malformed: it is none.
    """
    parsed: Note = note.parse(text)
    return checkpoint.parse(parsed.text)


def check_root(claimed: Checkpoint | None, root: bytes | None, findings: Findings) -> None:
    """Report it if the records add up to another *root* than the checkpoint states."""
    if claimed and root is not None and root != claimed.root:
        why = f"checkpoint: the {claimed.size} records do not add up to the root it states"
        findings.add(Contradiction("root-differs", why))


def check_succession(seen: Checkpoint, claimed: Checkpoint) -> None:
    """Nothing, if a log may have had the checkpoint *seen* and then *claimed*.

    Raises:
        Contradiction: they are of two logs, or the log has become shorter, or of one length and
            with another root.
    """
    if seen.origin != claimed.origin:
        why = f"the checkpoint seen before is of the log {shown(seen.origin)}, not this one"
        raise Contradiction("checkpoint-origin", why)
    if claimed.size < seen.size:
        why = (
            f"the log has {claimed.size} records, but had {seen.size} when it was seen before:"
            " records were taken away, or this is an older copy"
        )
        raise Contradiction("log-shrank", why)
    if claimed.size == seen.size and claimed.root != seen.root:
        raise rewritten(seen)


def rewritten(seen: Checkpoint) -> Contradiction:
    """Return the error for a log that does not go on from the checkpoint *seen*."""
    why = (
        f"the log does not go on from the checkpoint of {seen.size} records that was seen before:"
        " it was rewritten; keep both checkpoints, they prove it"
    )
    return Contradiction("log-rewritten", why, size=seen.size)
