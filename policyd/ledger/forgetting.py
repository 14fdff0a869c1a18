"""Forgetting: leaves that lie in sealed segments leave the ledger's file, a few at a time.

The writer does it, between batches, since it alone writes the file. The tree's hashes stay.
"""

from policyd.ledger.shelf import Shelf, check_root
from policyd.ledger.signing import Signer
from policyd.ledger.store import Store
from policyd_audit.errors import VerificationError

FEW = 256
"""Leaves that go in one transaction: about as much work as committing a batch."""


class Forgetting:
    """What the writer has been told to forget, and has not yet.

    Args:
        store: The ledger.
        shelf: Where its segments lie.
        signer: Of the same log.
    """

    def __init__(self, store: Store, shelf: Shelf, signer: Signer) -> None:
        self._store = store
        self._shelf = shelf
        self._signer = signer
        self._end = 0

    @property
    def is_pending(self) -> bool:
        """Whether there is more to do."""
        return self._end > 0

    def order(self, number: int) -> str | None:
        """Take on the leaves of a sealed segment; what speaks against it, or None.

        Only the oldest leaves can go, so the segment has to be the one they are in.
        """
        records = self._shelf.range(number)
        if not records.start <= self._store.kept_from < records.stop:
            return f"segment {number} is not the one with the oldest records in the ledger"
        try:
            found = self._shelf.read(number, self._signer)
            # INVARIANT: a leaf goes only while a file that was held to the tree has it.
            check_root(found, self._store.subtree(self._shelf.level, number))
        except VerificationError as error:
            return error.message
        # Its bytes were read by the sealer just now: to read them here would hold up checks.
        path = self._shelf.file(number)
        if not path.exists() or path.stat().st_size != found.size:
            return f"`{path.name}` is missing, or is not as long as its manifest says"
        self._end = records.stop
        return None

    def step(self) -> None:
        """Delete a few leaves.

        A crash leaves them, or the ledger without them: the segment has them in either case.

        Raises:
            apsw.Error: as `Store.append`.
        """
        if not self._store.forget(self._end, FEW):
            self._end = 0
