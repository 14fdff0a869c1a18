"""The review: one value with everything that was found of a change, and its canonical bytes.

INVARIANT: its digests know of no clock and of no log, and all lists are sorted, so that the same
two trees give the same digest, wherever and whenever they are compared.
"""

import functools
import json
from hashlib import sha256
from typing import Any

import msgspec

from policyd.model.errors import UsageError
from policyd.review.notices import Notice
from policyd.review.replayed import Replayed

SCHEMA = 1
"""The version of the form; it grows when a member changes its meaning or goes."""


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two trees: what it was called, its commit if it has one, and its snapshot.

    `snapshot` is null for a tree that does not load.
    """

    name: str
    commit: str | None
    snapshot: str | None


class Spot(msgspec.Struct, frozen=True, order=True):
    """Where something is written."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"


class TestTold(msgspec.Struct, frozen=True, order=True):
    """A policy test that did not pass."""

    file: str
    line: int
    suite: str
    it: str
    verdict: str
    problems: tuple[str, ...]


class Tests(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy tests of the new tree came to; `errors` could not be asked at all."""

    passed: int = 0
    failed: int = 0
    not_proved: int = 0
    errors: int = 0
    skipped: int = 0
    told: tuple[TestTold, ...] = ()


class Edit(msgspec.Struct, frozen=True, order=True):
    """One word of an entry, as it was and as it is; null where it was or is not there."""

    word: str
    before: str | None
    after: str | None


class Change(msgspec.Struct, frozen=True, order=True):
    """One thing of the tree that is not the same on both sides.

    Attributes:
        ref: As answers and records name it: `guardrail:payroll-stays-home`, `dataset:erp/prices`.
        kind: What it is: `rule`, `dataset`, `exemption`, `destination`, …
        how: `added`, `removed` or `changed`.
        decides: Whether a decision could see it; else it is words for people.
        owner: Who answers for it in the base; of what is new, in the head.
        unit: The unit whose file it is in; null for the guardrails.
        before: Where it stands in the base.
        after: Where it stands in the head.
        regions: Numbers of the regions that it has a part in.
    """

    ref: str
    kind: str
    how: str
    decides: bool
    owner: str | None
    unit: str | None
    edits: tuple[Edit, ...]
    before: Spot | None
    after: Spot | None
    regions: tuple[int, ...] = ()

    @property
    def place(self) -> Spot:
        """Where to look: in the head, or if it is gone in the base."""
        place = self.after or self.before
        assert place is not None  # noqa: S101 - a change is of something on one side at least
        return place


class FileTold(msgspec.Struct, frozen=True, order=True):
    """A file whose bytes are not the same.

    `means` is `changes` (of those listed), `formatting`, `tests`, `prose`, or `uncovered` where
    nothing says who answers for such a file.
    """

    path: str
    how: str
    means: str


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one tree decides of a witness."""

    allow: bool
    would_deny: bool
    reasons: tuple[str, ...]
    by: tuple[str, ...]
    owes: tuple[str, ...]


class WitnessTold(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a region, as both engines decided it."""

    call: dict[str, Any]
    now: str
    used: tuple[dict[str, int], dict[str, int]]
    before: Side
    after: Side
    shown: bool


class Concern(msgspec.Struct, frozen=True, order=True):
    """An owner whom a region concerns, and what of theirs it is about.

    `part` is `change` of what they answer for, `data` or `destination` that is theirs, or
    `integration` that they run.
    """

    owner: str
    part: str
    about: tuple[str, ...]


class RegionTold(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that gain or lose something, all alike; see `policyd.proof.proving.Region`.

    Attributes:
        number: From 1, what opens first.
        side: `opens` or `closes`.
        kind: `opens`, `limit`, `duty` or `roll-out`: what is gained or lost.
        verdict: `widens`; `maybe` where the engines did not say of the witness what the proof says.
        words: The whole region in one sentence.
        why: What stood against it before, or stands now.
        causes: References of the changes that make it.
    """

    number: int
    side: str
    kind: str
    verdict: str
    words: str
    callers: tuple[str, ...]
    action: str
    data: tuple[str, ...]
    places: tuple[str, ...]
    methods: tuple[str, ...]
    saying: str
    when: str
    duty: str | None
    limit: str | None
    sources: tuple[str, ...]
    units: tuple[str, ...]
    witness: WitnessTold
    causes: tuple[str, ...]
    concerns: tuple[Concern, ...]


class Proved(msgspec.Struct, frozen=True, kw_only=True):
    """What a proof came to; `gaps` has what it could not decide."""

    verdict: str
    closing: str
    gaps: tuple[str, ...] = ()


class UnitTold(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a changed unit stays inside the guardrails of the base."""

    unit: str
    verdict: str
    told: tuple[str, ...] = ()


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """All that was proved.

    `access` is of the registered integrations, `guardrails` of whatever units could register and
    write, `units` of each unit whose files change.
    """

    access: Proved
    guardrails: Proved
    units: tuple[UnitTold, ...] = ()


class Ground(msgspec.Struct, frozen=True, order=True):
    """A reason for the slow lane."""

    code: str
    about: str
    message: str


class Approver(msgspec.Struct, frozen=True, order=True):
    """Somebody who has to approve, how they are reached, and why it is they."""

    owner: str
    contact: str
    why: tuple[str, ...]
    regions: tuple[int, ...] = ()


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """The lane, why it is that one, and who has to approve."""

    lane: str
    grounds: tuple[Ground, ...]
    approvers: tuple[Approver, ...]


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is of everything; `suppressed` are findings that a comment answers for."""

    opens: int
    closes: int
    duties_lost: int
    duties_added: int
    limits_raised: int
    limits_lowered: int
    changes: int
    deciding: int
    files: int
    errors: int
    warnings: int
    suppressed: int


class Review(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything about a change.

    `state` is `blocked`, `not-proved`, `opens`, `closes` or `same`. `today` is the day by which
    suppressions and skipped tests end, `replay` what the change would have done to the calls of a
    log, if one was asked. Both are no part of the digest.
    """

    schema: int = SCHEMA
    tool: str
    base: Tree
    head: Tree
    state: str
    blocked_by: tuple[str, ...]
    totals: Totals
    lint: tuple[Notice, ...]
    tests: Tests
    files: tuple[FileTold, ...]
    changes: tuple[Change, ...]
    proof: Proof
    regions: tuple[RegionTold, ...]
    routing: Routing
    today: str | None = None
    replay: Replayed | None = None

    @functools.cached_property
    def plain(self) -> dict[str, Any]:
        """All of it in the types of JSON, with both digests."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        digest = _digest({**told, "today": None, "replay": None})
        return {**told, "decisions": self.decisions, "digest": digest}

    @property
    def digest(self) -> str:
        """What names this review: `sha256:` over all of it but the digests and the day."""
        return str(self.plain["digest"])

    @functools.cached_property
    def decisions(self) -> str:
        """A digest of what people approve: it stays the same if only words and places change."""
        regions = [
            {**msgspec.to_builtins(each), "witness": None, "causes": None} for each in self.regions
        ]
        said = [
            [each.ref, each.how, msgspec.to_builtins(each.edits)]
            for each in self.changes
            if each.decides
        ]
        return _digest([regions, said, *map(msgspec.to_builtins, (self.proof, self.routing))])

    def to_json(self) -> bytes:
        """The canonical bytes of review.json."""
        return canonical(self.plain) + b"\n"


def canonical(value: object) -> bytes:
    """JSON with sorted keys, without blanks, in UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def _digest(value: object) -> str:
    return f"sha256:{sha256(canonical(value)).hexdigest()}"


def read_review(source: bytes) -> Review:
    """The review in the bytes of a review.json.

    Raises:
        UsageError: they are no review, or one of another version.
    """
    try:
        found = msgspec.json.decode(source, type=Review)
    except msgspec.MsgspecError as error:
        raise UsageError(f"this is no review.json: {error}", code="bad-review") from None
    if found.schema != SCHEMA:
        known = f"this is a review of version {found.schema}, and {SCHEMA} is read here"
        raise UsageError(f"{known}: make it anew", code="bad-review")
    return found
