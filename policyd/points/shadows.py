"""Running approved changes in shadow before they are published, one at a time, on record."""

import asyncio
from dataclasses import dataclass

from policyd.model.change import Change, State
from policyd.model.errors import Conflict, PolicydError
from policyd.model.notice import Notice
from policyd.points.administration import AdministrationPoint, InForce, PolicyInForce
from policyd.points.change_book import SERVER, Book, Step
from policyd.points.jobs import Tell
from policyd.points.named import PUBLISHED
from policyd.points.shadow import Shadow, Tally, told
from policyd.points.source import Maker
from policyd.registry.policies import Kept

_TELL_S = 1.0
_ALL = 1 << 62


@dataclass(frozen=True, slots=True)
class InShadow:
    """How long a shadow lasts: so many seconds or so many calls, whichever is over first."""

    seconds: float | None = None
    calls: int | None = None


class Shadows:
    """Has candidates decide beside what is in force."""

    def __init__(
        self, book: Book, policy: PolicyInForce, administration: AdministrationPoint, maker: Maker
    ) -> None:
        self._book = book
        self._policy = policy
        self._administration = administration
        self._maker = maker
        self._running = ""  # id of the change that runs in shadow

    def check_idle(self, change: Change | None = None) -> None:
        """Nothing, if no change runs in shadow, or just not *change*.

        Raises:
            Conflict: one does.
        """
        if self._running and (change is None or change.id == self._running):
            raise Conflict(
                f"change `{self._running}` runs in shadow: wait until it is over, or refuse it",
                code="shadow-busy",
            )

    async def run(self, change_id: str, by: str, wanted: InShadow, tell: Tell) -> Tally:
        """What the shadow of a change has come to, once it is over.

        Raises:
            Conflict: it met a call that it decides in another way, and nobody approved that; the
                change is refused. Or another change runs in shadow.
        """
        async with self._book.turn():
            kept = await self._book.kept(change_id)
            change = kept.change
            self.check_idle()
            self._running = change.id
            try:
                await self._begin(change, by)
            except PolicydError:
                self._running = ""
                raise
        try:
            shadow = await self._shadow(kept, wanted, tell)
            self._policy.watcher = shadow
            await self._watch(change_id, shadow, wanted, tell)
        except PolicydError as error:
            await self._give_up(change_id, error)
            raise
        finally:
            self._policy.watcher = None
            self._running = ""
        await self._tell(change_id, shadow.tally)
        return shadow.tally

    async def _begin(self, change: Change, by: str) -> None:
        if change.state is State.SHADOW:
            again = "begun anew: the server before this one had not ended it"
            await self._book.keep(Step("change-shadowed", by, again), change)
        else:
            await self._book.keep(Step("change-shadowed", by), change.shadowed())

    async def _shadow(self, kept: Kept, wanted: InShadow, tell: Tell) -> Shadow:
        files = await asyncio.to_thread(self._book.store.tree, kept.change.tree)

        async def build(before: InForce) -> InForce:
            return await self._maker.make(files, PUBLISHED, before)

        tell("building the snapshot")
        candidate = await self._administration.aside(build)
        regions = (kept.review or {}).get("regions", ())
        return Shadow(candidate.engine, regions, wanted.calls or _ALL)

    async def _give_up(self, change_id: str, error: PolicydError) -> None:
        """Have a change approved as before, whose shadow came to no end."""
        async with self._book.turn():
            change = (await self._book.kept(change_id)).change
            if change.state is State.SHADOW:
                step = Step("change-shadow-ended", SERVER, error.message)
                await self._book.keep(step, change.out_of_shadow())

    async def _watch(self, change_id: str, shadow: Shadow, wanted: InShadow, tell: Tell) -> None:
        """Let a shadow run until it or its time is over, or nothing comes of the change."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wanted.seconds if wanted.seconds is not None else None
        running = asyncio.create_task(shadow.run())
        try:
            while not shadow.over.is_set() and (end is None or loop.time() < end):
                left = _TELL_S if end is None else min(_TELL_S, max(0.0, end - loop.time()))
                await asyncio.wait({running}, timeout=left)
                tell(f"in shadow: {next(told(shadow.tally))}")
                if (await self._book.kept(change_id)).change.state is not State.SHADOW:
                    return
        finally:
            shadow.over.set()
            await running

    async def _tell(self, change_id: str, tally: Tally) -> None:
        """Record what a shadow has come to, and refuse the change if that was not approved.

        Raises:
            Conflict: it was not.
        """
        async with self._book.turn():
            change = (await self._book.kept(change_id)).change
            for each in tally.differences:
                await self._book.keep(Step("shadow-difference", SERVER, str(each)), change)
            said = Step("change-shadow-ended", SERVER, next(told(tally)))
            stamp = await self._book.keep(said, change)
            if tally.differences:
                notice = _notice(change, tally)
                await asyncio.to_thread(self._book.store.notices.add, notice, at=stamp.ts)
            if tally.outside is None:
                return
            why = str(tally.outside)
            await self._book.keep(Step("change-refused", SERVER, why), change.refused(why))
        raise Conflict(why, code="shadow-difference")


def _notice(change: Change, tally: Tally) -> Notice:
    """What is to be told of a shadow that decided calls in another way."""
    where = f": {tally.outside}" if tally.outside else ", all of it approved"
    said = f"change `{change.id}` decided otherwise in shadow, of {next(told(tally))}{where}"
    return Notice("", "shadow-differences", change.id, "", said)
