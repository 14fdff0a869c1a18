"""The walk over all records of a ledger, which rebuilds its tree from their bytes alone."""

from collections.abc import Callable, Iterable, Mapping

from policyd_audit import record
from policyd_audit.beside import Beside
from policyd_audit.errors import Contradiction, Fact, Malformed, VerificationError, shown
from policyd_audit.evidence import Absent, Evidence
from policyd_audit.report import Findings
from policyd_audit.screening import (
    Passed,
    Row,
    Screen,
    Screened,
    are_in_order,
    are_records,
    in_full,
    unscreened,
)
from policyd_audit.tree import HASH_BYTES, TILE_WIDTH, Tile, Tree, leaf_hash, split

Progress = Callable[[int, int], None]

LEVELS = 8  # of tiles, in a tree of any size that a file can hold

_MAX_MISSING = 65_536  # more are not bridged: their number may be forged
_NAMED_POSITIONS = 8
_UNKNOWN = bytes(HASH_BYTES)  # stands for a record whose bytes are not there


class Walk:
    """One pass over the records of a ledger.

    `tree` is what they add up to, `size` how many there should be, `latest` the time of the last
    one looked at, `sealed` how many lie in files that were found good, `begin` the record that the
    log begins at, where the walk came past it. A difference is reported at the smallest place only:
    what it makes differ further up is remembered as explained.

    Args:
        evidence: What is walked.
        size: How many records there should be.
        findings: Where differences go.
        progress: Called now and then with the records done and *size*.
        tree: Of the records that need no looking at again; the walk begins behind them.
        screen: Who looks at the records' contents before the walk does.
    """

    def __init__(
        self,
        evidence: Evidence,
        size: int,
        findings: Findings,
        progress: Progress,
        tree: Tree | None = None,
        screen: Screen = in_full,
    ) -> None:
        self.tree = tree or Tree()
        self._evidence = evidence
        self.size = size
        self._findings = findings
        self._progress = progress
        self._screen = screen
        self._pending: list[bytes] = []
        self._expected = 0
        self.latest = ""
        self.sealed = 0
        self._missing = 0
        self._told: VerificationError | None = None
        self._beside = Beside(evidence)
        self.begin = 0
        # (level, index) of each hash that a finding already accounts for.
        self._explained: set[tuple[int, int]] = set()

    def run(self, origin: str | None) -> bool:
        """Walk; return whether it came to the end, so that `tree` is that of all records.

        Args:
            origin: What the first record must name, where it is known.
        """
        try:
            self._pass_over(self._evidence.first())
            self._records(origin)
            self._grow()
            self._beside.check(self.begin, self._findings)
        except VerificationError as error:
            self._findings.add(error)
            return False
        return True

    def explains(self, height: int, first: int) -> bool:
        """Return whether a finding lies in the `2**height` records from *first* on."""
        level, width = height // 8, 1 << height % 8
        start = first >> 8 * level
        return any((level, index) in self._explained for index in range(start, start + width))

    @property
    def pruned_by(self) -> int | None:
        """The number of the record that says from where on the log is there."""
        return self._beside.prunings.get(self.begin)

    def _pass_over(self, first: int) -> None:
        """Take the hashes of what was pruned from their tiles; they must add up all the same."""
        at = self.tree.size
        if first <= at or first > self.size:
            return
        self.begin = first
        while at < first:
            number, within = divmod(at, TILE_WIDTH)
            self._pending += split(self._evidence.tile(0, number))[within:]
            at = (number + 1) * TILE_WIDTH
            self._grow()

    def _records(self, origin: str | None) -> None:
        self._expected = self.tree.size
        for chunk in self._screen(self._evidence, self._expected, self.size):
            if isinstance(chunk, Passed):
                if not self._takes_over(chunk):
                    for each in unscreened(self._evidence.leaves(chunk.first, chunk.end)):
                        self._looks(each, origin)
            elif not self._takes(chunk) and not self._looks(chunk, origin):
                break
            self._grow_by_tiles()
        self._bridge(self._expected, self.size)

    def _takes_over(self, stretch: Passed) -> bool:
        """Take whole tiles that are right, unless they do not fit what is before them."""
        if not are_in_order([self.latest, *stretch.times]):
            return False
        self._bridge(self._expected, stretch.first)
        self._grow()
        for tile in stretch.tiles:
            for seq, leaf in tile.beside:
                self._beside.meet(seq, record.reread(leaf), self._findings)
            self._hold(self.tree.extend_by_tile(tile.root))
        self.latest = stretch.times[1]
        self._expected = stretch.end
        self._progress(self.tree.size, self.size)
        return True

    def _takes(self, chunk: Screened) -> bool:
        """Take records of which all that was seen is right; return whether it is."""
        if chunk.seen is None or not self._expected:  # the first one has to open the log
            return False
        times = [each for each in chunk.seen.times if each is not None]
        end = self._expected + len(chunk.rows)
        if not (
            len(times) == len(chunk.rows)
            and end <= self.size
            and are_records(chunk.rows, self._expected, chunk.seen.hashes)
            and are_in_order([self.latest, *times])
        ):
            return False
        self._pending += [each for each in chunk.seen.hashes if each]
        self.latest = times[-1]
        self._expected = end
        return True

    def _looks(self, chunk: Screened, origin: str | None) -> bool:
        """Look at records one by one; return whether there may be more."""
        times = chunk.seen.times if chunk.seen else [None] * len(chunk.rows)
        for (seq, leaf, stored), ts in zip(chunk.rows, times, strict=True):
            if seq < self._expected:
                self._find("record-unexpected", seq, "its number is out of order")
                continue
            if seq >= self.size:
                self._find("record-unexpected", seq, f"there should be {self.size} records only")
                return False
            self._bridge(self._expected, seq)
            self._pending.append(self._record((seq, leaf, stored), ts, origin))
            self._expected = seq + 1
            self._grow_by_tiles()
        return True

    def _bridge(self, first: int, end: int) -> None:
        """Stand in for the records from *first* up to *end*, which are missing."""
        if first == end:
            return
        self._missing += end - first
        if self._missing > _MAX_MISSING:
            raise _missing(first, end, "; what follows was not checked")
        self._findings.add(_missing(first, end, ""))
        for seq in range(first, end):
            self.explain(0, seq)
        self._pending += [_UNKNOWN] * (end - first)

    def _record(self, row: Row, passed: str | None, origin: str | None) -> bytes:
        """Return the leaf hash of one record, its bytes and its stored hash checked."""
        seq, leaf, stored = row
        if isinstance(leaf, Absent) and type(stored) is bytes:
            return self._absent(seq, leaf, stored)
        if type(leaf) is not bytes:
            self._find("record-malformed", seq, "it is not stored as a blob")
            self.explain(0, seq)
            return _UNKNOWN
        computed = leaf_hash(leaf)
        if type(stored) is not bytes or computed != stored:
            self._find("record-hash", seq, "the bytes do not match their leaf hash", leaf)
            self.explain(0, seq)
            return computed
        if passed is not None and passed >= self.latest and seq:
            self.latest = passed
            return computed
        try:
            self._content(seq, leaf, origin)
        except Malformed as error:
            self._find(error.code, seq, error.message, leaf)
        return computed

    def _absent(self, seq: int, leaf: Absent, stored: bytes) -> bytes:
        """Return the leaf hash of a record that is elsewhere; trouble is reported once."""
        if leaf.trouble is None:
            self.sealed += 1
            return stored
        if leaf.trouble != self._told:
            self._findings.add(leaf.trouble)
            self._told = leaf.trouble
        self.explain(0, seq)
        return stored

    def _content(self, seq: int, leaf: bytes, origin: str | None) -> None:
        content = record.parse(leaf)
        record_id, ts = content["id"], content["ts"]
        if ts < self.latest:
            why = f"its `ts` {ts} is before {self.latest}, that of an earlier record"
            self._find("record-time", seq, why, leaf)
        self.latest = max(ts, self.latest)
        if not record.is_of_time(record_id, ts):
            self._find("record-time", seq, f"its `id` carries another time than {ts}", leaf)
        if seq == 0:
            self._epoch(content, leaf, origin)
        self._beside.meet(seq, content, self._findings)

    def _epoch(self, content: Mapping[str, object], leaf: bytes, origin: str | None) -> None:
        if content["kind"] != "epoch":
            self._find("record-epoch", 0, "it is not the `epoch` record that opens a log", leaf)
        elif origin is not None and content.get("origin") != origin:
            self._find("record-epoch", 0, f"it does not open the log {shown(origin)}", leaf)

    def _grow_by_tiles(self) -> None:
        """Grow once the end of a tile is reached, wherever the walk began."""
        if self.tree.size % TILE_WIDTH + len(self._pending) >= TILE_WIDTH:
            self._grow()

    def _grow(self) -> None:
        """Take what is pending into the tree; hold the stored tiles to those this completes."""
        tiles = self.tree.extend(self._pending)
        self._pending.clear()
        self._hold(tiles)
        self._progress(self.tree.size, self.size)

    def _hold(self, tiles: Iterable[Tile]) -> None:
        """Hold the stored tiles to those of the tree."""
        for tile in tiles:
            try:
                stored = self._evidence.tile(tile.level, tile.index)
            except Malformed as error:
                self._findings.add(error)
                continue
            if stored != tile.data:
                self._compare(tile, stored)

    def _compare(self, tile: Tile, stored: bytes) -> None:
        first = tile.index * TILE_WIDTH
        pairs = zip(split(tile.data), split(stored), strict=True)
        differing = [at for at, (ours, theirs) in enumerate(pairs) if ours != theirs]
        new = [at for at in differing if (tile.level, first + at) not in self._explained]
        if not new:
            return
        for at in new:
            self.explain(tile.level, first + at)
        places = [self._place(tile.level, first + at) for at in new[:_NAMED_POSITIONS]]
        rest = f" and {len(new) - len(places)} more" if len(new) > len(places) else ""
        name = f"{tile.level}/{tile.index}"
        why = f"tile {name} does not match {', '.join(places)}{rest}"
        self._findings.add(
            Contradiction("tile-differs", why, tile=name, position=new[0], positions=len(new))
        )

    def _place(self, level: int, index: int) -> str:
        """Return the records under one hash of a tile, and its position there."""
        position = f"at position {index % TILE_WIDTH}"
        if level:
            return f"{range_name(index << 8 * level, (index + 1) << 8 * level)} {position}"
        leaf, _ = self._evidence.leaf(index) or (b"", b"")
        record_id = record.claimed_id(leaf) if isinstance(leaf, bytes) else None
        return f"{_name(index, record_id)} {position}"

    def explain(self, level: int, index: int) -> None:
        """Remember that this hash, and all above it, differ for a reason already reported."""
        for up in range(level, LEVELS):
            self._explained.add((up, index >> 8 * (up - level)))

    def _find(self, code: str, seq: int, why: str, leaf: bytes = b"") -> None:
        kind = Malformed if code == "record-malformed" else Contradiction
        record_id = record.claimed_id(leaf)
        facts: dict[str, Fact] = {"id": record_id} if record_id else {}
        message = f"{_name(seq, record_id)}: {why}"
        self._findings.add(kind(code, message, record=seq, **facts))


def range_name(first: int, end: int) -> str:
    """Return the name of the records from *first* up to *end*, for a message."""
    return f"record {first}" if end - first == 1 else f"records {first} to {end - 1}"


def _name(seq: int, record_id: str | None) -> str:
    """Return the name of a record for a message."""
    return f"record {seq}" + (f" (id {shown(record_id)})" if record_id else "")


def _missing(first: int, end: int, more: str) -> Contradiction:
    are = "is" if end - first == 1 else "are"
    why = f"{range_name(first, end)} {are} missing{more}"
    return Contradiction("record-missing", why, record=first, records=end - first)
