"""What must hold for limits, whatever is asked, in whatever order, and whatever the disk does."""

import asyncio
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from policyd.engine.calendar import wall_clock
from policyd.ledger.reader import Reader
from policyd.ledger.signing import Signer
from policyd.ledger.store import Store, create
from policyd.model.call import Call
from policyd.model.facts import Facts, OwnerState
from policyd.points.counters import Counters
from tests.properties.counting import CALLS, World

Step = list[Call] | bool | timedelta
_steps: st.SearchStrategy[list[Step]] = st.lists(
    st.lists(st.sampled_from(CALLS), min_size=1, max_size=4)
    | st.sampled_from([True, True, True, False])
    | st.sampled_from([timedelta(minutes=20), timedelta(hours=15)]),
    min_size=6,
    max_size=30,
)
"""Ask for one call or a batch; commit (or lose) what has waited longest; let time pass."""


async def _run(steps: list[Step]) -> World:
    world = World()
    for step in steps:
        if isinstance(step, bool):
            world.log.answer(durable=step)
            await asyncio.sleep(0)
        elif isinstance(step, timedelta):
            world.log.now += step
        else:
            await world.start(step)
    await world.finish()
    return world


def _decisions(world: World) -> list[dict[str, Any]]:
    return [msgspec.json.decode(leaf) for leaf in world.log.committed]


@given(_steps)
@settings(deadline=None)
def test_a_limit_is_never_exceeded(steps: list[Step]) -> None:
    """Calls that interleave, come in batches or lose their records never use more than there is."""
    world = asyncio.run(_run(steps))
    total: Counter[str] = Counter()
    for record in _decisions(world):
        total.update(record.get("counted", {}))
    for bucket, amount in total.items():
        limit = world.engine.snapshot.rules[bucket.split(" ")[0]].limit
        assert limit is not None
        assert amount <= limit.amount, bucket


@given(_steps)
@settings(deadline=None)
def test_a_denied_call_never_counts(steps: list[Step]) -> None:
    """A record has what it counted exactly if it allows and a rolling limit applied."""
    world = asyncio.run(_run(steps))
    for record in _decisions(world):
        is_counted = record["decision"] == "allow" and "used" in record["facts"]
        assert ("counted" in record) is is_counted


@given(_steps)
@settings(deadline=None, max_examples=40)
def test_a_restart_forgets_nothing(steps: list[Step]) -> None:
    """Counters counted again from the log are those that were kept while it was written."""
    world = asyncio.run(_run(steps))
    clock = wall_clock(world.engine.snapshot.calendar, world.log.now)
    with tempfile.TemporaryDirectory() as folder:
        path, signer = Path(folder) / "ledger.db", Signer("policyd.example/log", b"\x07" * 32)
        create(path, signer)
        store = Store(path, signer)
        store.append([world.epoch, *world.log.committed])
        store.close()
        reader, restored = Reader(path), Counters()
        for found in reader.page(limit=1 << 16, newest_first=False).records:
            restored.recount(found.leaf, clock)
        reader.close()
    for call in CALLS:
        buckets = world.engine.open(call, world.log.now).buckets()
        assert restored.used(buckets) == world.counters.used(buckets)


@given(_steps)
@settings(deadline=None, max_examples=40)
def test_every_record_can_be_decided_again(steps: list[Step]) -> None:
    """The recorded facts of a call give its recorded decision once more."""
    world = asyncio.run(_run(steps))
    for record in _decisions(world):
        asked = record["call"]
        call = next(each for each in CALLS if _is(each, asked))
        known = record["facts"]
        owner = OwnerState(known.get("owner", "active"))
        facts = Facts(datetime.fromisoformat(known["now"]), known.get("used", {}), owner)
        again = world.engine.decide(call, facts)
        assert again.allow is (record["decision"] == "allow")
        assert [each.code for each in again.reasons] == [each["code"] for each in record["reasons"]]
        assert again.counted == record.get("counted", {})


def _is(call: Call, asked: dict[str, Any]) -> bool:
    said = (asked["subject"], asked["action"], asked["dataset"], asked["destination"]["sent"])
    rows = asked.get("volume", {}).get("rows")
    return said == (call.subject.id, call.action, call.resource.id, call.endpoint) and (
        rows == call.rows
    )
