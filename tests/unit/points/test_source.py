"""Policies of a folder made ready: what has not changed is the same object afterwards."""

import asyncio
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from policyd.model.errors import PolicyUnread
from policyd.points.source import FolderSource, Maker
from policyd.policy.builder_process import Builder
from policyd.policy.deliveries import Delivery
from policyd.policy.load import load
from policyd.policy.packing import Packed
from tests.servers import POLICIES

ENGINE = "policyd/test"


class Swapping(Builder):
    """A builder whose pieces are not what it says they are."""

    async def deliver(
        self, tree: Path | Mapping[str, bytes], held: Iterable[str]
    ) -> tuple[Delivery, dict[str, bytes]]:
        """A delivery with other pieces."""
        delivery, new = await super().deliver(tree, held)
        return delivery, dict.fromkeys(new, Packed.of("something else").data)


def test_what_is_the_same_is_taken_over(tmp_path: Path) -> None:
    """After a change the snapshot is that of the tree, and shares all that did not change."""
    tree = Path(shutil.copytree(POLICIES, tmp_path / "policies"))
    access = tree / "units/hr/access.yaml"

    async def story() -> None:
        builder = Builder()
        source = FolderSource(tree, Maker(ENGINE, builder))
        try:
            first = await source.read()
            assert await source.read(first) is first
            access.write_text(access.read_text("utf-8").replace("reason: An", "reason: One", 1))
            second = await source.read(first)
        finally:
            await builder.close()
        old, new = first.engine.snapshot, second.engine.snapshot
        assert new == load(tree)
        assert (second.basis.snapshot, second.basis.engine) == (new.digest, ENGINE)
        changed = {ref for ref, rule in new.rules.items() if rule is not old.rules[ref]}
        assert changed == {ref for ref in new.rules if ref.startswith("unit:hr/")}
        assert new.calendar is old.calendar
        same = {id(each) for each in first.engine.pieces()}
        shared = [id(each) in same for each in second.engine.pieces()]
        assert shared.count(False) < shared.count(True)

    asyncio.run(story())


def test_pieces_that_are_others_are_refused() -> None:
    """A snapshot is made of what its builder says it is made of, or not at all."""

    async def story() -> None:
        builder = Swapping()
        try:
            with pytest.raises(PolicyUnread, match="not what its key"):
                await FolderSource(POLICIES, Maker(ENGINE, builder)).read()
        finally:
            await builder.close()

    asyncio.run(story())


class Endless(Builder):
    """A builder that is never done with what it is told to build, but says so all the time."""

    async def deliver(
        self, tree: Path | Mapping[str, bytes], held: Iterable[str]
    ) -> tuple[Delivery, dict[str, bytes]]:
        """Nothing, ever."""
        del tree, held
        await asyncio.Event().wait()
        raise AssertionError


def test_what_takes_too_long_is_given_up() -> None:
    """With the time it had, the way out and a code of its own; what is in force stays so."""
    with pytest.raises(PolicyUnread, match=r"was not built in 0\.01 s") as caught:
        asyncio.run(FolderSource(POLICIES, Maker(ENGINE, Endless(), 0.01)).read())
    assert caught.value.code == "build-too-long"
