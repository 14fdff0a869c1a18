"""What the last server left under way: taken up again, or told as interrupted."""

import structlog

from policyd.model.change import State
from policyd.model.errors import PolicydError
from policyd.points.change_book import SERVER, Book, Step
from policyd.points.jobs import Job, Jobs
from policyd.points.publications import Publications
from policyd.points.publishing import Publisher
from policyd.registry.jobs import Order
from policyd.registry.policies import Publication

_WITHOUT_EFFECT = ("comparison", "review")
_OPEN = 500  # changes that are looked at

log = structlog.get_logger(__name__)


class Left:
    """Looks, at the start of a server, for what the one before it had not done."""

    def __init__(
        self, book: Book, jobs: Jobs, publications: Publications, publisher: Publisher
    ) -> None:
        self._book = book
        self._jobs = jobs
        self._publications = publications
        self._publisher = publisher

    async def take_up(self, in_force: str) -> None:
        """Begin shadows anew, and tell of all other jobs how they stand.

        A change whose shadow nobody begins again waits to be published, as before it.
        """
        orders = await self._jobs.left()
        resumed = {each.about for each in orders if await self._is_resumed(each, in_force)}
        for each in await self._book.list(_OPEN, only_open=True):
            change = each.change
            if change.state is State.SHADOW and change.id not in resumed:
                step = Step("change-shadow-ended", SERVER, "the server ended, and it with it")
                async with self._book.turn():
                    await self._book.keep(step, change.out_of_shadow())

    async def _is_resumed(self, order: Order, in_force: str) -> bool:
        """Whether the order is carried out again; if not, how it stands can be asked for."""
        done = await self._as_done(order, in_force)
        if done:
            result = {"snapshot": done.snapshot, "record": done.record}
            await self._jobs.settle(
                Job(order.id, order.kind, order.by, "done", "in force", result=result)
            )
            return False
        why = f"it can be begun again with `{order.again}`"
        if order.has_shadow:
            try:
                await self._publisher.resume(order)
            except PolicydError as error:
                why = f"its shadow cannot go on, since {error.message}"
            else:
                log.warning("shadow-begun-anew", job=order.id, change=order.about)
                return True
        detail = f"the server ended before this was done: {why}"
        log.warning("job-interrupted", job=order.id, kind=order.kind, about=order.about, why=why)
        await self._jobs.settle(
            Job(
                *(order.id, order.kind, order.by, "failed"),
                step="interrupted",
                code="interrupted",
                detail=detail,
            )
        )
        return False

    async def _as_done(self, order: Order, in_force: str) -> Publication | None:
        """The publication that the order has come to, if it is on record."""
        if order.kind in _WITHOUT_EFFECT:
            return None
        for last in await self._publications.history(1):
            about = last.change_id if order.kind == "publication" else last.snapshot
            if (last.snapshot, last.by, about) == (in_force, order.by, order.about):
                return last
        return None
