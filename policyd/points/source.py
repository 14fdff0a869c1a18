"""Where policies come from: a folder, or the registry; read by a builder, made ready here."""

import asyncio
import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from policyd.engine.decide import Engine
from policyd.ledger.decision_record import Basis
from policyd.ledger.reader import Reader
from policyd.model.errors import DataFolderError, PolicyUnread, UsageError
from policyd.points.administration import InForce
from policyd.points.named import PUBLISHED, named_in_force
from policyd.policy.builder_process import Builder, unlike
from policyd.policy.deliveries import Delivery
from policyd.policy.packing import Unpackable, unpack_piece
from policyd.registry.policies import PolicyStore

FOLDER = "folder"
LIMIT_S = 900.0
"""How long a tree may take to be built: a hundred thousand rules take less than a minute."""

_TURN_S = 0.0005
"""How long a thread that makes a snapshot ready may keep the event loop waiting for its turn."""


class Maker:
    """Makes policy trees ready to decide."""

    def __init__(self, engine: str, builder: Builder, limit_s: float = LIMIT_S) -> None:
        """Have *builder* read them, each in *limit_s* seconds, for the engine of that version."""
        self._engine = engine
        self._builder = builder
        self._limit_s = limit_s

    async def make(
        self, tree: Path | Mapping[str, bytes], source: str, before: InForce | None = None
    ) -> InForce:
        """The tree's snapshot made ready to decide; *before* itself if it says the same.

        Whatever it has in common with *before* is the same object in both.

        Raises:
            PolicyInvalid: the tree has findings.
            PolicyUnread: nobody could say, or not in time.
        """
        held = before.pieces if before else {}
        try:
            async with asyncio.timeout(self._limit_s):
                delivery, new = await self._builder.deliver(tree, held)
        except TimeoutError:
            raise PolicyUnread(
                f"the tree was not built in {self._limit_s:g} s, and is given up; the policies in"
                " force stay so; make it smaller, or try when there is less to do",
                code="build-too-long",
            ) from None
        if before and delivery.digest == before.basis.snapshot:
            return before
        with _short_turns(), _lasting():
            try:
                return await asyncio.to_thread(self._made_ready, delivery, new, source, before)
            except Unpackable as error:
                raise unlike(error) from None

    def _made_ready(
        self, delivery: Delivery, new: Mapping[str, bytes], source: str, before: InForce | None
    ) -> InForce:
        held = before.pieces if before else {}
        pieces = {
            key: unpack_piece(key, new[key]) if key in new else held[key]
            for key in delivery.all_keys()
        }
        snapshot = delivery.snapshot(pieces)
        engine = before.engine.successor(snapshot) if before else Engine(snapshot)
        basis = Basis(snapshot.digest, source, self._engine, snapshot.vocabulary)
        return InForce(engine, basis, pieces)


class FolderSource:
    """The policies of one folder."""

    def __init__(self, folder: Path, maker: Maker) -> None:
        self._folder = folder
        self._maker = maker

    async def read(self, before: InForce | None = None) -> InForce:
        """The folder's snapshot made ready to decide; raises as `Maker.make`."""
        return await self._maker.make(self._folder, FOLDER, before)


class PublishedSource:
    """The policies that were published: of what the log names, the tree that the registry keeps."""

    def __init__(self, reader: Reader, store: PolicyStore, maker: Maker) -> None:
        self._reader = reader
        self._store = store
        self._maker = maker

    async def read(self, before: InForce | None = None) -> InForce:
        """The snapshot that the log names, made ready to decide; *before* itself if it is that.

        Raises:
            UsageError: nothing was ever published here.
            DataFolderError: the registry does not have it, or one of them cannot be read.
            PolicyInvalid: this version of the program finds fault with it.
            PolicyUnread: nobody could say.
        """
        digest = await asyncio.to_thread(named_in_force, self._reader)
        if digest is None:
            raise UsageError(
                "no policy was ever published here: publish a first one with `policyd init"
                " --policies DIR`, or try a folder out with `policyd serve --policies DIR`",
                code="nothing-published",
            )
        if before and before.basis.snapshot == digest:
            return before
        tree = await asyncio.to_thread(self._store.tree_of, digest)
        if tree is None:
            raise missing(digest)
        files = await asyncio.to_thread(self._store.tree, tree)
        return await self._maker.make(files, PUBLISHED, before)


def missing(digest: str) -> DataFolderError:
    """What is wrong where the registry does not have the snapshot that is in force."""
    return DataFolderError(
        f"by the log, `{digest}` is in force, and the registry does not have it, as after an older"
        " copy of registry.db was put back: restore a newer copy, or bring the very tree back with"
        " `policyd init --policies DIR`",
        code="in-force-missing",
    )


@contextmanager
def _short_turns() -> Iterator[None]:
    """While this lasts, threads hand the interpreter to the event loop sooner than usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


@contextmanager
def _lasting() -> Iterator[None]:
    """What is made while this lasts is not looked through for garbage, neither now nor later.

    A snapshot holds no circles, and a collection that goes through a million objects stops the
    server for as long as that takes. Circles that something else drops in these moments are lost.
    """
    gc.collect(1)
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
