"""Where an export comes from: a running server, each bundle held to the checkpoint it signed."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any, NamedTuple, Self

from policyd.cli.server import Server, Unanswered
from policyd_audit import note, sources
from policyd_audit.checkpoint import Checkpoint
from policyd_audit.checkpoint import parse as parse_checkpoint
from policyd_audit.errors import Contradiction, Malformed, Unreadable, VerificationError
from policyd_audit.layout import ENTRIES, Resource, unbundle
from policyd_audit.proof import Subtrees, check_consistency, check_inclusion
from policyd_audit.tiled_log import TiledLog
from policyd_audit.tree import EMPTY_ROOT, TILE_WIDTH, leaf_hash

PATH = "/v1/audit/exports"
_MOST_BYTES = TILE_WIDTH * (2 + 65_535)


class Begun(NamedTuple):
    """An export that a server has begun, as it says; kept as JSON while it is not finished."""

    id: str
    first: int
    end: int
    tree_size: int
    checkpoint: str
    verifier_keys: list[str]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """What a server's answer says."""
        return cls(**{name: said[name] for name in cls._fields})

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.checkpoint.partition("\n")[0]

    @property
    def bundles(self) -> range:
        """The numbers of the bundles with its records."""
        return range(self.first // TILE_WIDTH, -(-self.end // TILE_WIDTH))

    def within(self, bundle: int) -> range:
        """The numbers of its records in a bundle."""
        start = bundle * TILE_WIDTH
        return range(max(start, self.first), min(start + TILE_WIDTH, self.end))


class Tree(NamedTuple):
    """The tree of a log when it had *size* records."""

    size: int
    root: bytes


NO_TREE = Tree(0, EMPTY_ROOT)
"""That of a log without records, from which every log goes on."""


class Taken(NamedTuple):
    """What came of one bundle: its records, or None if they are lost, and the tile's hashes."""

    records: range
    leaves: list[bytes] | None
    hashes: list[bytes]


class Source:
    """A server from which an export is taken; a context manager.

    Raises:
        Unanswered: the server's checkpoint is not signed by the key it names.
    """

    def __init__(self, server: Server, begun: Begun) -> None:
        self._begun = begun
        self._claimed = _checkpoint(begun)
        self._server = server
        self._bundles = sources.Server(f"{server.url}{PATH}/{begun.id}/bundles", server.key)
        self._log = TiledLog(sources.Server(f"{server.url}/log", server.key))
        self._log.size = begun.tree_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with closing(self._bundles), self._log:
            pass

    def take(self, bundle: int) -> Taken:
        """The records of a bundle, each held to the checkpoint.

        Raises:
            Unanswered: the server cannot be reached, or gives other records than it signed.
        """
        try:
            hashes = self._hashes(bundle)
            return Taken(self._begun.within(bundle), self._leaves(bundle, hashes), hashes)
        except VerificationError as error:
            raise Unanswered(error.message, code=error.code) from error

    def proof(self) -> list[bytes]:
        """What is beside the records in the tree, for whoever adds them up; raises as `take`."""
        begun = self._begun
        try:
            return Subtrees(self._log.hashes).stretch(begun.first, begun.end, begun.tree_size)
        except VerificationError as error:
            raise Unanswered(error.message, code=error.code) from error

    def check_follows(self, earlier: Tree) -> None:
        """Nothing, if the log goes on from that tree.

        Raises:
            VerificationError: it does not, so what it said of old records is no longer so.
            Unanswered: the server cannot be reached.
        """
        old, new = earlier.size, self._claimed.size
        try:
            proof = Subtrees(self._log.hashes).consistency(old, new) if 0 < old < new else []
        except Unreadable as error:
            raise Unanswered(error.message, code=error.code) from error
        check_consistency(old, new, proof, earlier.root, self._claimed.root)

    def manifest(self, done: Mapping[str, Any]) -> str:
        """The manifest that the server signs; raises as `take`."""
        return self._server.text("POST", f"{PATH}/{self._begun.id}/manifest", done)

    def _hashes(self, bundle: int) -> list[bytes]:
        """All hashes of the tile of a bundle; one proof stands for all, since each is in it."""
        first, size = bundle * TILE_WIDTH, self._begun.tree_size
        hashes = list(self._log.hashes(0, first, min(TILE_WIDTH, size - first)))
        path = Subtrees(self._log.hashes).inclusion(first, size)
        check_inclusion(first, size, hashes[0], path, self._claimed.root)
        return hashes

    def _leaves(self, bundle: int, hashes: list[bytes]) -> list[bytes] | None:
        wanted = self._begun.within(bundle)
        try:
            data = self._bundles.get(str(bundle), _MOST_BYTES)
        except Malformed as error:
            if error.code == "records-lost":
                return None
            raise
        leaves = unbundle(data, Resource(ENTRIES, bundle, len(wanted)))
        start = wanted.start % TILE_WIDTH
        if list(map(leaf_hash, leaves)) != hashes[start : start + len(wanted)]:
            why = f"records {wanted.start} to {wanted.stop - 1} are not those of the signed log"
            raise Contradiction("record-hash", why)
        return leaves


def _checkpoint(begun: Begun) -> Checkpoint:
    try:
        signed = note.parse(begun.checkpoint)
        note.verify(signed, note.parse_vkey(begun.verifier_keys[0]))
        claimed = parse_checkpoint(signed.text)
    except VerificationError as error:
        raise Unanswered(error.message, code=error.code) from error
    if claimed.size != begun.tree_size:
        raise Unanswered("the server's checkpoint is of another size", code="checkpoint-differs")
    return claimed
