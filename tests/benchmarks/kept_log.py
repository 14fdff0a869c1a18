"""A log of millions of decisions in sealed segments, made once and kept under .bench/.

Nobody could ask a server that often. The records are those of real decisions on distinct calls, of
which number, time and nonce are replaced; segments are sealed, and leave the ledger's file, by the
parts of the product that do it in a server. Every eighth record says what became of a decision.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import shake_128
from itertools import islice
from pathlib import Path

from policyd.engine.decide import Engine
from policyd.ledger import record
from policyd.ledger.decision_record import Basis, Request, decision_record
from policyd.ledger.folder import DataFolder, create
from policyd.ledger.forgetting import Forgetting
from policyd.ledger.reader import Reader
from policyd.ledger.sealing import Sealer
from policyd.ledger.shelf import Shelf
from policyd.ledger.stamp import Stamp, Stamper, timestamp
from policyd.ledger.store import Store
from policyd.model.facts import Facts
from policyd.registry.keys import KeyStore, NewKey
from tests.benchmarks.large import NOW, calls, company
from tests.benchmarks.plan import BENCH, Say
from tests.servers import Home

ORIGIN = "policyd.example/bench"
CALLS = 5_000
OUTCOMES = 8
_BATCH = 4_096
SPAN = timedelta(days=180)
"""The time of a log that is made."""
Leaves = Callable[[datetime, int], Iterator[bytes]]
"""Records from a moment on, in a log of that size, whose first two are there."""
Template = list[list[list[bytes]]]
"""A record, split where its id stands, each part where the nonce does, and again at its time."""

_MARKS = ("00000000-0000-7000-8000-00000000000a", "f" * 32, "2001-01-01T00:00:00.000000Z")


@dataclass(frozen=True, slots=True)
class KeptLog:
    """A data folder whose log has that many records, all but a few in segments."""

    home: Home
    records: int

    @property
    def shelf(self) -> Shelf:
        """Where the segments lie."""
        return Shelf(self.home.data)


def kept_log(size: int, say: Say, *, name: str = "log", leaves: Leaves | None = None) -> KeptLog:
    """The log of about *size* records, made unless it is there from before.

    Another *name* is for a log of other records, which *leaves* gives.
    """
    folder = BENCH / f"{name}-{size}"
    note = folder / "made.json"
    if not note.exists():
        say(f"making a log of {size:,} records, which is kept in {folder}")
        home = _made(folder, size, say, leaves or _leaves)
        note.write_text(json.dumps({"admin": home.admin, "vkey": home.vkey}), encoding="utf-8")
    said = json.loads(note.read_text(encoding="utf-8"))
    return KeptLog(Home(folder / "data", said["admin"], said["vkey"]), size)


def _made(folder: Path, size: int, say: Say, leaves: Leaves) -> Home:
    """A new log; one that was left half made is made anew."""
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name}.left-{len(list(folder.parent.iterdir()))}"))
    folder.mkdir(parents=True)
    start = datetime.now(UTC) - SPAN  # noqa: TID251 - an edge
    home = _begun(folder / "data", start)
    with closing(DataFolder.open(home.data)) as opened, ThreadPoolExecutor(1) as aside:
        _fill(opened, leaves(start, size), aside, say)
    return home


def _begun(path: Path, start: datetime) -> Home:
    """A data folder as `policyd init` makes it, but long ago."""
    stamper = Stamper(None, lambda: start)
    with (
        create(path, ORIGIN) as folder,
        closing(KeyStore.open(folder.registry, folder.pepper)) as keys,
        closing(Store(folder.ledger, folder.signer)) as store,
    ):
        new = NewKey(holder="bench admin", kind="person", roles=frozenset({"admin"}))
        key, secret = keys.prepare(new, now=start)
        epoch = record.Epoch(**record.stamped(stamper.draw()), origin=ORIGIN)
        admin = record.Admin(
            **record.stamped(stamper.draw()), act="key-created", target=key.id, by="init"
        )
        store.append([record.encode(epoch), record.encode(admin)])
        keys.add(key, secret)
        return Home(path, secret, folder.signer.vkey)


def _fill(folder: DataFolder, leaves: Iterator[bytes], aside: ThreadPoolExecutor, say: Say) -> None:
    """Append, and meanwhile seal what is full and let it leave the ledger's file."""
    shelf = Shelf(folder.path)
    shelf.folder.mkdir()
    with (
        closing(Store(folder.ledger, folder.signer)) as store,
        closing(Reader(folder.ledger, seconds=600)) as reader,
    ):
        sealer = Sealer(shelf, reader, folder.signer)
        forgetting = Forgetting(store, shelf, folder.signer)
        sealing: Future[None] | None = None
        sealed = 0
        while some := list(islice(leaves, _BATCH)):
            store.append(some)
            store.tidy()
            if store.size // shelf.records > sealed:
                if sealing:
                    sealing.result()
                    _forget(forgetting, sealed - 1)
                sealed += 1
                sealing = aside.submit(_seal, sealer)
                say(f"making a log: {store.size:,} records so far")
        if sealing:
            sealing.result()
            _forget(forgetting, sealed - 1)


def _seal(sealer: Sealer) -> None:
    for each in sealer.run(thoroughly=()):
        if not each.segment:
            raise AssertionError(each)


def _forget(forgetting: Forgetting, number: int) -> None:
    refused = forgetting.order(number)
    if refused is not None:
        raise AssertionError(refused)
    while forgetting.is_pending:
        forgetting.step()


def _leaves(start: datetime, size: int) -> Iterator[bytes]:
    """Records of decisions, and of what became of some, evenly over the time."""
    templates = _templates()
    step = SPAN / size
    lately: list[tuple[str, int]] = []
    for number in range(2, size):  # two records begin every log
        at = start + step * number
        stamp = stamp_of(at, number)
        if number % OUTCOMES == 0 and lately:
            decided, index = lately.pop(0)
            said = record.Outcome(
                **record.stamped(stamp),
                caller=record.Caller(key="key-1", address="127.0.0.1"),
                decision=decided,
                index=index,
                status="failed" if number % 1000 == 0 else "ok",
                rows=number % 5000,
            )
            yield record.encode(said)
            continue
        # A prime step: neighbours are about different units, as in a company at work.
        is_allow, template = templates[number * 7919 % len(templates)]
        if is_allow and len(lately) < CALLS:
            lately.append((stamp.id, number))
        yield _filled(template, stamp)


def stamp_of(at: datetime, number: int) -> Stamp:
    """What the record of that number begins with."""
    drawn = shake_128(b"%d" % number).hexdigest(26)
    milliseconds = int(at.timestamp() * 1000)
    time = f"{milliseconds:012x}"
    made = f"{time[:8]}-{time[8:]}-7{drawn[:3]}-8{drawn[3:6]}-{drawn[6:18]}"
    return Stamp(at, timestamp(at), made, drawn[18:50])


def _filled(template: Template, stamp: Stamp) -> bytes:
    ts = stamp.ts.encode()
    nonce = stamp.nonce.encode()
    return stamp.id.encode().join(nonce.join(ts.join(each) for each in one) for one in template)


def _templates() -> list[tuple[bool, Template]]:
    """Records of real decisions, taken apart where id, nonce and times stand."""
    snapshot = company(1_000)
    engine = Engine(snapshot)
    basis = Basis(snapshot.digest, "folder", "policyd benchmark", snapshot.vocabulary)
    facts = Facts(NOW)
    made = []
    for at, call in enumerate(calls(CALLS, snapshot)):
        request = Request(f"10.{at % 7}.{at % 31}.{at % 250}", f"key-{at % 40}")
        decision = engine.decide(call, facts)
        stamp = Stamp(NOW, _MARKS[2], _MARKS[0], _MARKS[1])
        leaf = decision_record(stamp, request, call, facts, decision, basis)
        parts = [
            [nonce.split(_MARKS[2].encode()) for nonce in one.split(_MARKS[1].encode())]
            for one in leaf.split(_MARKS[0].encode())
        ]
        made.append((decision.allow, parts))
    return made
