"""Everything about the policies of one server that decides by what was published."""

import asyncio

from policyd.ledger.ledger import Ledger
from policyd.ledger.reader import Reader
from policyd.model.errors import Conflict
from policyd.points.administration import AdministrationPoint, PolicyInForce
from policyd.points.change_book import Book
from policyd.points.changes import ChangePoint
from policyd.points.dry_reviews import DryReviews
from policyd.points.jobs import Jobs
from policyd.points.left import Left
from policyd.points.named import PUBLISHED
from policyd.points.notice_hook import NoticeHook
from policyd.points.publications import Publications
from policyd.points.publishing import Parts, Publisher
from policyd.points.reviewing import Reviewer
from policyd.points.source import Maker
from policyd.registry.keys import KeyStore
from policyd.registry.policies import PolicyStore


class Policies:
    """Changes and publications of one server, with their beginning and end.

    Attributes:
        hook: What sends notices to another system, if something does.
    """

    hook: NoticeHook | None = None

    def __init__(
        self,
        policy: PolicyInForce,
        administration: AdministrationPoint,
        logs: tuple[Ledger, Reader],
        registry: tuple[PolicyStore, KeyStore],
        maker: Maker,
        reviewer: Reviewer | None = None,
    ) -> None:
        """Move what is in *policy*, by what *maker* makes of the trees in the registry."""
        ledger, reader = logs
        self.store = registry[0]
        self.jobs = Jobs(self.store.jobs)
        self.book = Book(self.store, ledger, registry[1])
        self.publications = Publications(self.book, reader)
        reviewer = reviewer or Reviewer()
        self.changes = ChangePoint(self.book, policy, ledger, reviewer)
        self.reviews = DryReviews((ledger, self.publications), policy, reviewer, self.jobs)
        parts = Parts(self.book, self.publications, policy, administration, maker, reviewer, ledger)
        self.publisher = Publisher(parts, self.jobs)
        self._left = Left(self.book, self.jobs, self.publications, self.publisher)
        self._policy = policy

    async def begin(self) -> None:
        """Have the registry agree with the log, and go on with what the last server left."""
        await self.publications.reconcile(self._policy.current.basis.snapshot)
        await self.changes.resume()
        await self._left.take_up(self._policy.current.basis.snapshot)

    async def run(self) -> None:
        """Do what is to be done in time, until cancelled."""
        runs = [self.publisher.run(), *([self.hook.run()] if self.hook else [])]
        await asyncio.gather(*runs)

    async def close(self) -> None:
        """End what is under way; what is not done by then is not done."""
        await self.changes.close()
        await self.jobs.close()


def of_folder() -> Conflict:
    """What is to be told where policies come from a folder."""
    return Conflict(
        "this server decides by a folder, for development: there is nothing to propose or publish;"
        f" start it without --policies, so that it decides by what is {PUBLISHED}",
        code="folder-mode",
    )
