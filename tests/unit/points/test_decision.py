"""The decision point: batches, and answers that are not given."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from policyd.engine.decide import Engine
from policyd.ledger.record import RecordTooLarge
from policyd.model.call import Call
from policyd.model.decision import Decision
from policyd.model.errors import LedgerUnavailable, OutOfScope
from policyd.points.decision import Ask, Item, execute_all
from tests.properties.counting import SENDER, World, ask, begun, settled

DROP = ask("sales/sync", "send", "erp/stock", "partner/drop", 12)
PRICES = ask("sales/eager", "send", "erp/prices", "partner/drop", 1)
BROKEN = Item(replace(DROP, action="-"), is_whole=False)
Stop = Callable[[Decision], bool]


async def _batch(world: World, items: list[Item], stop: Stop = execute_all) -> list[dict[str, Any]]:
    """The records of a batch."""
    pending = begun(world.point, Ask(SENDER, items, stop, is_batch=True))
    world.log.answer(durable=True)
    await settled(world.point, pending)
    return [msgspec.json.decode(leaf) for leaf in world.log.committed]


def _said(records: list[dict[str, Any]]) -> list[str]:
    return [each["reasons"][0]["code"] if each["reasons"] else "allow" for each in records]


def test_items_of_a_batch_share_their_limits() -> None:
    """The second item sees what the first one uses, before either is durable."""
    records = asyncio.run(_batch(World(), [Item(DROP)] * 3))
    assert _said(records) == ["allow", "allow", "volume-exceeded"]
    assert [each["facts"]["used"]["guardrail:partner-rows"] for each in records] == [0, 12, 24]


def test_items_have_one_id_and_their_own_nonces() -> None:
    """The records of a batch are `id/index`, of one moment, each with its own nonce."""
    records = asyncio.run(_batch(World(), [Item(DROP), Item(PRICES)]))
    first, second = (each["id"].partition("/") for each in records)
    assert first[0] == second[0]
    assert (first[2], second[2]) == ("0", "1")
    assert records[0]["ts"] == records[1]["ts"]
    assert records[0]["nonce"] != records[1]["nonce"]


def test_items_behind_the_stop_are_recorded_unseen() -> None:
    """What a stop skips is a denial on record, counts for nothing and is looked up nowhere."""
    world = World()
    records = asyncio.run(
        _batch(world, [Item(DROP), Item(PRICES), Item(DROP)], lambda each: not each.allow)
    )
    assert _said(records) == ["allow", "guardrail-forbids", "not-evaluated"]
    assert records[2]["decision"] == "deny"
    assert "counted" not in records[2]
    assert "used" not in records[2]["facts"]


def test_a_broken_item_is_denied_alone() -> None:
    """An item that could not be read is a denial on record; the others are as they were."""
    records = asyncio.run(_batch(World(), [BROKEN, Item(DROP)]))
    assert _said(records) == ["item-malformed", "allow"]


def test_nothing_is_counted_of_a_batch_that_has_no_record() -> None:
    """If one record is beyond the bound, no item is answered and none has used anything."""
    world = World()
    huge = replace(DROP, fields=tuple(f"field_{n}" for n in range(2000)), action="read")
    with pytest.raises(RecordTooLarge):
        asyncio.run(_batch(world, [Item(DROP), Item(huge)]))
    buckets = world.engine.open(DROP, world.log.now).buckets()
    assert world.counters.used(buckets) == {"guardrail:partner-rows": 0}


def test_nothing_is_counted_of_a_call_whose_record_is_lost() -> None:
    """A call that gets no answer has used nothing."""

    async def lose(world: World) -> None:
        await world.start([DROP])
        world.log.answer(durable=False)
        with pytest.raises(LedgerUnavailable):
            await world.tasks[0]

    world = World()
    asyncio.run(lose(world))
    buckets = world.engine.open(DROP, world.log.now).buckets()
    assert world.counters.used(buckets) == {"guardrail:partner-rows": 0}


@pytest.mark.parametrize("who", ["ops/loader", "labs/bot", "hr2/report"])
def test_a_key_that_may_not_speak_for_one_item_gets_no_answer(who: str) -> None:
    """One subject out of reach refuses the whole batch, before anything is decided."""
    world = World()
    with pytest.raises(OutOfScope):
        asyncio.run(_batch(world, [Item(DROP), Item(_of(DROP, who))]))
    assert world.log.committed == []


def _of(call: Call, who: str) -> Call:
    return replace(call, subject=replace(call.subject, id=who))


class _Faulty(Engine):
    """An engine with a fault that shows only when it judges."""

    def judge(self, *_: object) -> Decision:
        """No decision."""
        raise RuntimeError


def test_a_fault_inside_is_a_denial() -> None:
    """Whatever breaks inside the engine, the answer is no, on record, and counts for nothing."""
    world = World()
    current = world.policy.current
    world.policy.current = replace(current, engine=_Faulty(current.engine.snapshot))
    records = asyncio.run(_batch(world, [Item(DROP)]))
    assert _said(records) == ["engine-error"]
    assert "counted" not in records[0]
