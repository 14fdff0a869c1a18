"""Publications: what was put in force here, kept at hand as the log has it."""

import asyncio
from collections.abc import Container
from itertools import takewhile

import structlog

from policyd.ledger import record
from policyd.ledger.reader import Reader
from policyd.ledger.record import time_of
from policyd.ledger.stamp import moment
from policyd.model.change import Change, Emergency, State
from policyd.model.errors import Conflict, NotFound
from policyd.model.notice import Notice
from policyd.points.change_book import Book
from policyd.points.named import published
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
        """Have the registry say what the log says of publications.

        The log is ahead by one if the server ended between the two, since nothing else is done
        before they agree. More than that, or a registry that is ahead, is the work of whoever put
        an older copy of either back; that is told as a notice.
        """
        last = await self.history(1)
        ahead = await self._ahead() if last else []
        if ahead or not last or last[0].snapshot != in_force:
            known = {each.record for each in await self.history()} - {each.record for each in ahead}
            behind = await asyncio.to_thread(_until_known, self._reader, known)
            await self._forget(ahead)
            for said in reversed(behind):
                await self.keep(said)
                log.warning("registry-caught-up", snapshot=said.snapshot, reason=said.reason)
            await self._tell(ahead, behind)
        await self._book.look_for_emergencies()

    async def _ahead(self) -> list[Publication]:
        """Publications that the log should have and does not, the last first."""
        oldest = await asyncio.to_thread(self._reader.page, limit=1, newest_first=False)
        begins = time_of(oldest.records[0].leaf) if oldest.records else ""
        found = []
        for each in await self.history():
            if each.at < begins:
                break  # it was pruned, so it was there
            if await asyncio.to_thread(self._reader.record_by_id, each.record) is not None:
                break
            found.append(each)
        return found

    async def _forget(self, ahead: list[Publication]) -> None:
        """Take back what the log knows nothing of: it was never in force, as far as it can say."""
        undone = []
        for each in ahead:
            change = await self._change(each.change_id)
            if change and change.state is State.PUBLISHED:
                undone.append(change.rolled_back("the log, put back from a copy, does not have it"))
        if ahead:
            records = [each.record for each in ahead]
            await asyncio.to_thread(self._book.store.unpublish, records, *undone)

    async def _tell(self, ahead: list[Publication], behind: list[record.PolicyChange]) -> None:
        """Tell of an older copy that was put back; what else it lacks nobody can know here."""
        if ahead:
            told = f"the log lacks {len(ahead)} publications that the registry has, the last of"
            told += f" `{ahead[0].snapshot}`: an older copy of ledger.db was put back"
            notice = Notice("", "log-put-back", ahead[0].record, "", told)
        elif len(behind) > 1:
            told = f"the registry lacked {len(behind)} publications: an older copy of registry.db"
            told += " was put back; revoke again what was revoked since, see kind:admin in the log"
            notice = Notice("", "registry-put-back", behind[0].id, "", told)
        else:
            return
        log.warning(notice.code, why=notice.message)
        at = self._book.now()
        await asyncio.to_thread(self._book.store.notices.add, notice, at=at)

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


def _until_known(reader: Reader, known: Container[str]) -> list[record.PolicyChange]:
    """The publications of the log that come after all that are known, the last first."""
    return [*takewhile(lambda each: each.id not in known, published(reader))]


def _as_recorded(change: Change, said: record.PolicyChange) -> Change:
    """The change in the state that the record of its publication put it in."""
    if not change.is_open:
        return change
    if said.reason == "emergency" and said.until:
        emergency = Emergency(said.by or "", said.why or "", moment(said.until))
        return change.published_in_emergency(emergency, moment(said.ts))
    return change.published()
