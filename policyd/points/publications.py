"""Publications: what was put in force here, kept at hand as the log has it."""

import asyncio

import structlog

from policyd.ledger import record
from policyd.ledger.reader import Reader
from policyd.ledger.stamp import moment
from policyd.model.change import Change, Emergency, State
from policyd.model.errors import Conflict, NotFound
from policyd.points.change_book import Book
from policyd.points.named import last_published
from policyd.registry.policies import Publication

_LAST = 1000  # that a rollback can go back by

log = structlog.get_logger(__name__)


class Publications:
    """Keeps what the log says of publications, and answers from that."""

    def __init__(self, book: Book, reader: Reader) -> None:
        self._book = book
        self._reader = reader

    async def history(self, limit: int = _LAST) -> list[Publication]:
        """What was put in force, the last first."""
        return await asyncio.to_thread(self._book.store.publications, limit=limit)

    async def tree(self, snapshot: str) -> tuple[str, dict[str, bytes]]:
        """The whole tree of a snapshot: its digest, and its files by path.

        Raises:
            NotFound: it is not kept here.
        """
        store = self._book.store
        tree = await asyncio.to_thread(store.tree_of, snapshot)
        if tree is None:
            raise NotFound(
                f"there is no snapshot `{snapshot[:80]}` here; see `policyd history`",
                code="snapshot-missing",
            )
        return tree, await asyncio.to_thread(store.tree, tree)

    async def reconcile(self, in_force: str) -> None:
        """Have the registry say what the log says of the last publication.

        The log is ahead if the server ended between the two; by one publication at most, since
        nothing else is done before they agree.
        """
        last = await self.history(1)
        if not last or last[0].snapshot != in_force:
            said = await asyncio.to_thread(last_published, self._reader)
            if said is not None:
                await self.keep(said)
                log.warning("registry-caught-up", snapshot=said.snapshot, reason=said.reason)
        await self._book.look_for_emergencies()

    async def keep(self, said: record.PolicyChange, after: Change | None = None) -> None:
        """Keep what the log says of a publication, and what becomes of changes by it.

        Args:
            said: The record.
            after: The change that it put in force, as it is then, where that is known.
        """
        changes: list[Change] = []
        if said.reason not in {"publish", "emergency"}:
            changes = await self._undone(said)
        elif after is None and (change := await self._change(said.change)):
            changes = [_as_recorded(change, said)]
        elif after is not None:
            changes = [after]
        tree = changes[0].tree if changes and changes[0].id == said.change else None
        tree = tree or await asyncio.to_thread(self._book.store.tree_of, said.snapshot)
        publication = Publication(
            record=said.id,
            at=said.ts,
            snapshot=said.snapshot,
            previous=said.previous,
            tree=tree or "",
            reason=said.reason,
            change_id=said.change,
            by=said.by,
            why=said.why,
            until=said.until,
        )
        await self._book.keep_publication(publication, *changes)

    async def check_target(self, snapshot: str) -> None:
        """Nothing, if everybody who had to has agreed to *snapshot* once.

        Raises:
            NotFound: it was never in force.
            Conflict: it was, and nobody has agreed to it.
        """
        was = [each for each in await self.history() if each.snapshot == snapshot]
        if not was:
            raise NotFound(
                f"`{snapshot[:80]}` was never in force here; see `policyd history`",
                code="never-in-force",
            )
        for each in was:
            if await self._is_approved(each):
                return
        raise Conflict(
            f"`{snapshot}` was in force by an emergency alone, and nobody has approved it",
            code="not-approved",
        )

    async def approved_before(self) -> str:
        """The last snapshot that everybody who had to has agreed to.

        Raises:
            Conflict: there is none.
        """
        for each in await self.history():
            if await self._is_approved(each):
                return each.snapshot
        raise Conflict("nothing that was ever in force is approved", code="not-approved")

    async def _is_approved(self, publication: Publication) -> bool:
        if publication.reason != "emergency" or publication.change_id is None:
            return True
        change = await self._change(publication.change_id)
        return change is not None and change.is_agreed

    async def _change(self, change_id: str | None) -> Change | None:
        """A change; None of one that a registry of an older day does not know."""
        try:
            return (await asyncio.to_thread(self._book.store.change, change_id or "")).change
        except NotFound:
            return None

    async def _undone(self, said: record.PolicyChange) -> list[Change]:
        """The changes that were put in force since the snapshot that is in force again."""
        undone = []
        for each in await self.history():
            if each.snapshot == said.snapshot:
                break
            if each.change_id and each.reason in {"publish", "emergency"}:
                change = await self._change(each.change_id)
                if change and change.state is State.PUBLISHED:
                    undone.append(change.rolled_back(said.why or said.reason))
        return undone


def _as_recorded(change: Change, said: record.PolicyChange) -> Change:
    """The change in the state that the record of its publication put it in."""
    if not change.is_open:
        return change
    if said.reason == "emergency" and said.until:
        emergency = Emergency(said.by or "", said.why or "", moment(said.until))
        return change.published_in_emergency(emergency, moment(said.ts))
    return change.published()
