"""The book of changes: what the log has comes into the registry once, and in its order."""

import asyncio
import threading
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from policyd.bootstrap import utc_now
from policyd.ledger.folder import DataFolder, create
from policyd.ledger.ledger import Ledger, Options
from policyd.model.change import Change
from policyd.points.change_book import Book
from policyd.registry.keys import KeyStore
from policyd.registry.policies import PolicyStore, Publication


class Slow(PolicyStore):
    """Keeps a publication as ever, but not before it is told to."""

    def __init__(self, path: Path, engine: Engine) -> None:
        super().__init__(path, engine)
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.written: list[str] = []

    def publish(self, publication: Publication, *changes: Change) -> None:
        """See `PolicyStore`."""
        self.begun.set()
        assert self.go_on.wait(60)
        super().publish(publication, *changes)
        self.written.append(publication.record)


def _publication(number: int) -> Publication:
    digest = f"sha256:{number:064}"
    return Publication(f"r{number}", f"2026-03-0{number}", digest, None, digest, "rollback")


def test_two_at_once(tmp_path: Path) -> None:
    """Each is written once, in its order, and whoever takes a turn finds both."""

    async def in_turn(book: Book, store: Slow) -> list[str]:
        async with book.turn():
            return [*store.written]

    async def story(folder: DataFolder, store: Slow, keys: KeyStore) -> None:
        ledger = await Ledger.open(folder, Options(utc_now))
        book = Book(store, ledger, keys)
        kept = [asyncio.create_task(book.keep_publication(_publication(1)))]
        await asyncio.to_thread(store.begun.wait, 60)
        kept.append(asyncio.create_task(book.keep_publication(_publication(2))))
        turn = asyncio.create_task(in_turn(book, store))
        await asyncio.sleep(0)
        store.go_on.set()
        await asyncio.gather(*kept)
        assert await turn == store.written == ["r1", "r2"]
        await ledger.close()

    with create(tmp_path / "data", "policyd.example/log"):
        pass
    with (
        closing(DataFolder.open(tmp_path / "data", wait=0)) as folder,
        closing(Slow.open(folder.registry)) as store,
        closing(KeyStore.open(folder.registry, folder.pepper)) as keys,
    ):
        asyncio.run(story(folder, store, keys))
