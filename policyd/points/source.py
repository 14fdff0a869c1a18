"""Where policies come from: a folder, read by a builder and made ready in this process."""

import asyncio
import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from policyd.engine.decide import Engine
from policyd.ledger.decision_record import Basis
from policyd.points.administration import InForce
from policyd.policy.builder_process import Builder, unlike
from policyd.policy.deliveries import Delivery
from policyd.policy.packing import Unpackable, unpack_piece

FOLDER = "folder"
_TURN_S = 0.0005
"""How long a thread that makes a snapshot ready may keep the event loop waiting for its turn."""


class FolderSource:
    """The policies of one folder."""

    def __init__(self, folder: Path, engine: str, builder: Builder) -> None:
        """Have *builder* read *folder*, for the engine of the version *engine*."""
        self._folder = folder
        self._engine = engine
        self._builder = builder

    async def read(self, before: InForce | None = None) -> InForce:
        """The folder's snapshot made ready to decide; *before* itself if it says the same.

        Whatever it has in common with *before* is the same object in both.

        Raises:
            PolicyInvalid: the tree has findings.
            PolicyUnread: nobody could say.
        """
        held = before.pieces if before else {}
        delivery, new = await self._builder.deliver(self._folder, held)
        if before and delivery.digest == before.basis.snapshot:
            return before
        with _short_turns(), _lasting():
            try:
                return await asyncio.to_thread(self._made_ready, delivery, new, before)
            except Unpackable as error:
                raise unlike(error) from None

    def _made_ready(
        self, delivery: Delivery, new: Mapping[str, bytes], before: InForce | None
    ) -> InForce:
        held = before.pieces if before else {}
        pieces = {
            key: unpack_piece(key, new[key]) if key in new else held[key]
            for key in delivery.all_keys()
        }
        snapshot = delivery.snapshot(pieces)
        engine = before.engine.successor(snapshot) if before else Engine(snapshot)
        basis = Basis(snapshot.digest, FOLDER, self._engine, snapshot.vocabulary)
        return InForce(engine, basis, pieces)


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
