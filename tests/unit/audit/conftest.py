"""Ledgers to verify and to damage, written without the code under test."""

import itertools
import json
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policyd_audit.checkpoint import Checkpoint
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.report import Report
from policyd_audit.sources import Folder
from policyd_audit.tiled_log import TiledLog
from policyd_audit.verify import verify
from policyd_audit.verify_log import verify_log

SCHEMA = """
pragma application_id = 0x706f6c64;
pragma user_version = 1;
create table leaf(seq integer primary key, leaf blob not null, hash blob not null);
create table tile(level integer not null, n integer not null, data blob not null,
                  primary key(level, n)) without rowid;
create table state(id integer primary key check(id = 1), size integer not null,
                   stack blob not null, root blob not null, note text not null);
"""
ORIGIN = "policyd.example/audit/1"
SEED = bytes(range(32))
VKEY = "policyd.example/audit/1+88627b43+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
START = datetime(2026, 1, 1, tzinfo=UTC)


def digest(data: bytes) -> bytes:
    """The SHA-256 of *data*."""
    return sha256(data).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The Merkle tree hash, word for word as RFC 6962 defines it."""
    if len(hashes) < 2:
        return hashes[0] if hashes else digest(b"")
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return digest(b"\x01" + root_of(hashes[:split]) + root_of(hashes[split:]))


def stack_of(hashes: Sequence[bytes]) -> list[bytes]:
    """The roots of the largest perfect subtrees, left to right."""
    if not hashes:
        return []
    width = 1 << len(hashes).bit_length() - 1
    return [root_of(hashes[:width]), *stack_of(hashes[width:])]


def tiles_of(hashes: Sequence[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """The full tiles: level, number, data."""
    level = 0
    while hashes:
        full = [hashes[at : at + 256] for at in range(0, len(hashes) - 255, 256)]
        yield from ((level, n, b"".join(each)) for n, each in enumerate(full))
        hashes, level = [root_of(each) for each in full], level + 1


def content(index: int, **members: object) -> dict[str, Any]:
    """The members of a record made *index* milliseconds after the start."""
    at = START + timedelta(milliseconds=index)
    elapsed = f"{(at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1):012x}"
    random = digest(str(index).encode()).hex()
    ts = at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
    common = {
        "v": 1,
        "id": f"{elapsed[:8]}-{elapsed[8:]}-7{random[:3]}-8{random[3:6]}-{random[6:18]}",
        "ts": ts,
        "nonce": random[32:],
    }
    return common | {"kind": "query", "text": "decision:deny", "rows": 3} | members


def decision(index: int, **members: object) -> dict[str, Any]:
    """The members of a complete decision record."""
    record = content(index, kind="decision")
    del record["text"], record["rows"]
    return record | {
        "caller": {"key": "pk_7f3a", "address": "10.0.0.4"},
        "call": {"action": "send", "dataset": "crm/customers", "subject": "marketing/newsletter"},
        "facts": {"now": record["ts"], "used": {}, "owner": "active"},
        "snapshot": "sha256:" + "5f" * 32,
        "source": "folder policies",
        "engine": "policyd 0.1.0",
        "decision": "deny",
        "would": "deny",
        "reasons": [{"code": "unit-does-not-allow", "check": "unit", "rule": "r1"}],
        "obligations": [{"id": "mask", "type": "mask", "properties": {"fields": ["email"]}}],
        "valid_until": record["ts"],
        **members,
    }


def encoded(record: object) -> bytes:
    """The one spelling of a record."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def leaf(index: int) -> bytes:
    """The bytes of the record at *index* of a good log."""
    if index == 0:
        return encoded(content(0, kind="epoch", origin=ORIGIN))
    return encoded(decision(index) if index % 3 else content(index))


def signed(text: str, name: str = ORIGIN, seed: bytes = SEED) -> str:
    """The note of *text*."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw()
    blob = digest(name.encode() + b"\n\x01" + public)[:4] + key.sign(text.encode())
    return f"{text}\n\u2014 {name} {b64encode(blob).decode()}\n"


def checkpoint(hashes: Sequence[bytes], origin: str = ORIGIN) -> str:
    """The signed checkpoint of these leaf hashes."""
    return signed(f"{origin}\n{len(hashes)}\n{b64encode(root_of(hashes)).decode()}\n")


def forged(leaf: bytes) -> bytes:
    """Another record of the same id and time: its nonce turned round."""
    at = leaf.index(b'"nonce":"') + len(b'"nonce":"')
    return leaf[:at] + leaf[at : at + 32][::-1] + leaf[at + 32 :]


class Ledger:
    """A ledger file that can be damaged and verified."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """A connection that can write; committed at the end."""
        db = sqlite3.connect(self.path)
        try:
            with db:
                db.execute("pragma synchronous = off")  # no crash is tried here, and it is quicker
                yield db
        finally:
            db.close()

    def fill(self, leaves: Sequence[bytes]) -> None:
        """Make the file a good ledger of these records."""
        hashes = [digest(b"\x00" + leaf) for leaf in leaves]
        with self.open() as db:
            db.executescript(SCHEMA)
            rows = ((seq, leaf, hashes[seq]) for seq, leaf in enumerate(leaves))
            db.executemany("insert into leaf values(?, ?, ?)", rows)
            db.executemany("insert into tile values(?, ?, ?)", tiles_of(hashes))
            stack = b"".join(stack_of(hashes))
            state = (len(leaves), stack, root_of(hashes), checkpoint(hashes))
            db.execute("insert into state values(1, ?, ?, ?, ?)", state)

    def change(self, sql: str, *values: object) -> None:
        """Damage the file by one statement, as whoever holds it could."""
        with self.open() as db:
            db.execute(sql, values)

    def forge(self, seq: int) -> None:
        """Change a record together with its leaf hash."""
        leaf = forged(self.blob("select leaf from leaf where seq = ?", seq))
        statement = "update leaf set leaf = ?, hash = ? where seq = ?"
        self.change(statement, leaf, digest(b"\x00" + leaf), seq)

    def sign(self, text: str, name: str = ORIGIN, seed: bytes = SEED) -> None:
        """Replace the checkpoint by this one, signed."""
        self.change("update state set note = ?", signed(text, name, seed))

    def blob(self, sql: str, *values: object) -> bytes:
        """The first value of the first row."""
        with self.open() as db:
            return bytes(db.execute(sql, values).fetchone()[0])

    def note(self) -> str:
        """The signed checkpoint."""
        return self.blob("select cast(note as blob) from state").decode()

    def verify(self, vkey: str | None = VKEY) -> Report:
        """The verifier's report."""
        with LedgerFile(self.path) as evidence:
            return verify(evidence, vkey=vkey)


@pytest.fixture(scope="session")
def new_ledger(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Ledger]:
    """A function that gives a new good ledger of so many records, in a folder of its own."""
    written: dict[int, bytes] = {}
    folder = tmp_path_factory.mktemp("ledgers")
    numbers = itertools.count()

    def copy(size: int) -> Ledger:
        (folder / str(number := next(numbers))).mkdir()
        ledger = Ledger(folder / str(number) / "ledger.db")
        if size not in written:
            ledger.fill([leaf(at) for at in range(size)])
            written[size] = ledger.path.read_bytes()
        ledger.path.write_bytes(written[size])
        return ledger

    return copy


@pytest.fixture(scope="session")
def ledger_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ledger]:
    """A function that gives a ledger whose records have other members than good ones.

    Each argument is the change to one record, from the first on: members, or whole bytes.
    """

    def make(*changes: dict[str, object] | bytes) -> Ledger:
        ledger = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.db")
        leaves = []
        for at, change in enumerate(changes):
            good = json.loads(leaf(at))
            leaves.append(change if isinstance(change, bytes) else encoded(good | change))
        ledger.fill(leaves)
        return ledger

    return make


class Exported:
    """A folder with the resources of a tiled log, which can be damaged and verified."""

    def __init__(self, path: Path, leaves: Sequence[bytes]) -> None:
        """Write the log of these records."""
        self.path = path
        hashes = [digest(b"\x00" + leaf) for leaf in leaves]
        bundles = [len(each).to_bytes(2) + each for each in leaves]
        level = 0
        for n in range(0, len(leaves), 256):
            self.write(f"tile/entries/{_part(n, len(leaves))}", b"".join(bundles[n : n + 256]))
        self.write("checkpoint", checkpoint(hashes).encode())
        while hashes:
            for n in range(0, len(hashes), 256):
                path_of = f"tile/{level}/{_part(n, len(hashes))}"
                self.write(path_of, b"".join(hashes[n : n + 256]))
            full = [hashes[at : at + 256] for at in range(0, len(hashes) - 255, 256)]
            hashes, level = [root_of(each) for each in full], level + 1

    def write(self, name: str, data: bytes) -> None:
        """Write one resource."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def change(self, name: str, at: int, other: bytes) -> None:
        """Put other bytes into one resource, from *at* on."""
        data = (self.path / name).read_bytes()
        at %= len(data)
        self.write(name, data[:at] + other + data[at + len(other) :])

    def verify(self, vkey: str | None = VKEY, seen: Checkpoint | None = None) -> Report:
        """The verifier's report."""
        with TiledLog(Folder(self.path)) as log:
            return verify_log(log, vkey=vkey, seen=seen)


def _part(first: int, count: int) -> str:
    """The path, below the level, of the tile that begins with hash *first* of *count*."""
    width = min(256, count - first)
    return f"{first // 256:03d}" + ("" if width == 256 else f".p/{width}")


@pytest.fixture(scope="session")
def new_export(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Exported]:
    """A function that gives a new good folder of so many records."""

    def make(size: int) -> Exported:
        return Exported(tmp_path_factory.mktemp("export"), [leaf(at) for at in range(size)])

    return make


@pytest.fixture
def sign() -> Callable[..., str]:
    """A function that signs a text as the log does, or as somebody else."""
    return signed
