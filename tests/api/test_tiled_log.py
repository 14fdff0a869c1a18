"""The log as others read it: `/log/…`, receipts, and who may have what of it."""

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from policyd_audit import checkpoint, cosignature, note, receipt
from policyd_audit.layout import ENTRIES, Resource, resources, unbundle
from policyd_audit.tree import TILE_WIDTH, Tree, leaf_hash, split
from tests.api.calls import ALLOWED, DENIED, including
from tests.servers import EVALUATIONS, JSON, Server, bearer, encode

if TYPE_CHECKING:
    from tests.api.conftest import Start
    from tests.servers import Answer

FOR_EVER = "max-age=31536000, immutable"


@pytest.fixture(scope="module")
def long(server: Server, pep: str) -> Server:
    """The shared server, with more records than a tile has hashes."""
    batch = {"evaluations": [ALLOWED] * 200}
    for _ in range(2):
        assert server.send("POST", EVALUATIONS, encode(batch), JSON | bearer(pep)).status == 200
    return server


def published(server: Server, size: int = 0) -> tuple[checkpoint.Checkpoint, note.Note]:
    """The newest checkpoint, once it covers *size* records; its signature is checked."""
    while True:
        parsed = note.parse(server.get("/log/checkpoint").body.decode())
        note.verify(parsed, note.parse_vkey(server.home.vkey))
        claimed = checkpoint.parse(parsed.text)
        if claimed.size >= size:
            return claimed, parsed


def fetched(server: Server, resource: Resource) -> "Answer":
    """The answer with a tile or bundle; for a bundle an auditor's."""
    key = server.home.admin if resource.is_entries else None
    answer = server.get(f"/log/{resource.path}", key)
    assert answer.status == 200, answer
    return answer


def test_the_log_can_be_rebuilt_from_what_is_served(long: Server) -> None:
    """Every resource of a published checkpoint is there; the records add up to tiles and root."""
    claimed, _ = published(long, 401)
    files = {each: fetched(long, each).body for each in resources(claimed.size)}
    assert {each.width for each in files} >= {TILE_WIDTH, claimed.size % TILE_WIDTH}
    records = [r for each, data in files.items() if each.is_entries for r in unbundle(data, each)]
    hashes = [leaf_hash(record) for record in records]
    tree = Tree()
    full = tree.extend(hashes)
    assert (len(records), tree.root()) == (claimed.size, claimed.root)
    assert [files[Resource(*each[:2], TILE_WIDTH)] for each in full] == [each.data for each in full]
    edge = [data for each, data in files.items() if not each.is_entries and each.width < TILE_WIDTH]
    roots = [split(each.data) for each in full if each.level == 0]
    assert edge[0] == b"".join(hashes[len(roots) * TILE_WIDTH :])
    assert len(edge[1]) == len(roots) * 32


@pytest.mark.parametrize(
    ("path", "key", "content_type", "caching"),
    [
        ("checkpoint", False, "text/plain; charset=utf-8", "max-age=1"),
        ("tile/0/000", False, "application/octet-stream", f"public, {FOR_EVER}"),
        ("tile/0/000.p/7", False, "application/octet-stream", f"public, {FOR_EVER}"),
        ("tile/1/000.p/1", False, "application/octet-stream", f"public, {FOR_EVER}"),
        ("tile/entries/000", True, "application/octet-stream", f"private, {FOR_EVER}"),
        ("tile/entries/000.p/3", True, "application/octet-stream", f"private, {FOR_EVER}"),
    ],
)
def test_types_and_caching(
    long: Server, path: str, key: object, content_type: str, caching: str
) -> None:
    """Types are those of the specification; only the checkpoint changes, records stay private."""
    answer = long.get(f"/log/{path}", long.home.admin if key else None)
    assert answer.status == 200
    assert answer.headers["content-type"] == content_type
    assert answer.headers["cache-control"] == caching


def test_a_partial_tile_is_the_beginning_of_the_full_one(long: Server) -> None:
    """It stays there when the log has grown, as whoever holds an old checkpoint needs it."""
    whole = long.get("/log/tile/0/000").body
    assert long.get("/log/tile/0/000.p/200").body == whole[: 200 * 32]
    records = unbundle(fetched(long, Resource(ENTRIES, 0, 256)).body, Resource(ENTRIES, 0, 256))
    some = unbundle(fetched(long, Resource(ENTRIES, 0, 5)).body, Resource(ENTRIES, 0, 5))
    assert some == records[:5]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/999",
        "tile/1/000",
        "tile/2/000.p/1",
        "tile/0/0",
        "tile/00/000",
        "tile/0/x000/000",
        "tile/0/000.p/256",
        "tile/8/000.p/1",
        "tile/63/x999/x999/999",
        "tile/x/000",
        "",
        "entries/000",
    ],
)
def test_what_the_log_does_not_have(long: Server, path: str) -> None:
    """A tile that is not there yet, or cannot be, gets 404."""
    answer = long.get(f"/log/{path}")
    assert (answer.status, answer.code) == (404, "not-found")


@pytest.mark.parametrize("path", ["tile/entries/999", "tile/entries/000.p/999"])
def test_bundles_the_log_does_not_have(long: Server, path: str) -> None:
    """So does a bundle."""
    assert long.get(f"/log/{path}", long.home.admin).code == "not-found"


def test_records_are_for_auditors(long: Server, pep: str) -> None:
    """Without a key 401, with a key of another role 403, whether the bundle exists or not."""
    for path in ("/log/tile/entries/000", "/log/tile/entries/999"):
        assert (long.get(path).status, long.get(path, pep).status) == (401, 403)
    auditor: str = long.make_key("auditor")["key"]
    assert long.get("/log/tile/entries/000", auditor).status == 200


def test_reading_a_bundle_is_a_record(long: Server) -> None:
    """Whoever takes records away is in the log, with what it took."""
    auditor = long.make_key("auditor")
    long.get("/log/tile/entries/001.p/9", auditor["key"])
    last = long.home.records("query")[-1]
    assert last["caller"]["key"] == auditor["id"]
    assert (last["text"], last["rows"]) == ("tile/entries/001.p/9", 9)


def test_hashes_can_be_kept_from_the_public(start: "Start") -> None:
    """With POLICYD_PUBLIC_LOG=false only auditors get them, and no cache may share them."""
    server = start(POLICYD_PUBLIC_LOG="false")
    for path in ("/log/checkpoint", "/log/tile/0/000.p/1"):
        assert (server.get(path).status, server.get(path, server.pep("sales")).status) == (401, 403)
        assert server.get(path, server.home.admin).status == 200
    tile = server.get("/log/tile/0/000.p/1", server.home.admin)
    assert tile.headers["cache-control"] == f"private, {FOR_EVER}"
    assert server.get("/.well-known/policyd-audit").status == 200


def test_the_log_says_what_it_is(start: "Start") -> None:
    """Its name, its keys, and where it is served, if the server knows its own address."""
    server = start(POLICYD_PUBLIC_URL="https://policyd.example")
    answer = server.get("/.well-known/policyd-audit")
    public = note.parse_vkey(server.home.vkey).public
    assert answer.headers["cache-control"] == "max-age=300"
    assert answer.json() == {
        "origin": "policyd.example/log",
        "verifier_keys": [server.home.vkey],
        "cosigner_key": cosignature.vkey("policyd.example/log", public),
        "log": "https://policyd.example/log",
    }


def test_a_server_without_an_address_leaves_it_out(server: Server) -> None:
    """What is not known is not there."""
    told = server.get("/.well-known/policyd-audit").json()
    assert set(told) == {"origin", "verifier_keys", "cosigner_key"}


def test_a_checkpoint_says_when(server: Server) -> None:
    """The log cosigns it with the time, which is not before that of the records."""
    claimed, parsed = published(server)
    seconds = cosignature.time_of(parsed, note.parse_vkey(server.home.vkey))
    assert seconds is not None
    assert claimed.size > 0


def test_a_receipt_of_a_record(server: Server, pep: str) -> None:
    """It proves, without the server, that the record is in the signed log; asking is a record."""
    asked = server.check(DENIED, pep).headers["x-decision-id"]
    answer = server.get(f"/v1/audit/records/{asked}/proof", server.home.admin)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    parsed = receipt.parse(answer.body.decode())
    shown = receipt.check(parsed, note.parse_vkey(server.home.vkey))
    entry = server.get(f"/v1/audit/records/{asked}", server.home.admin).json()
    assert (parsed.position, shown.leaf.hex()) == (entry["index"], entry["leaf_hash"])
    assert shown.cosigned is not None
    assert asked in {each["text"].removeprefix("id:") for each in server.home.records("query")}


def test_a_receipt_is_for_who_may_see_the_record(server: Server, pep: str) -> None:
    """A builder gets those of its own unit; others learn nothing, not even that it is there."""
    asked = server.check(ALLOWED, pep).headers["x-decision-id"]
    path = f"/v1/audit/records/{asked}/proof"
    own: str = server.make_key("builder", units=["sales"])["key"]
    other: str = server.make_key("builder", units=["hr"])["key"]
    found = [server.get(path, key) for key in (None, pep, own, other)]
    assert [each.status for each in found] == [401, 403, 200, 404]
    nothing = server.get("/v1/audit/records/none/proof", server.home.admin)
    assert nothing.code == "not-found"


@pytest.mark.parametrize("call", [ALLOWED, DENIED])
def test_a_receipt_with_the_answer(server: Server, pep: str, call: dict[str, object]) -> None:
    """Who asks for it gets proof with the answer, without the record, and can keep it."""
    answer = server.check(including(call, "receipt"), pep)
    made = answer.json()["context"]["receipt"]
    record = server.get(
        f"/v1/audit/records/{answer.headers['x-decision-id']}", server.home.admin
    ).json()
    assert (made["index"], made["leaf_hash"]) == (record["index"], record["leaf_hash"])
    parsed = receipt.parse(made["proof"])
    assert parsed.record is None
    key = note.parse_vkey(server.home.vkey)
    leaf = fetched(server, Resource(ENTRIES, made["index"] // 256, made["index"] % 256 + 1)).body
    (*_, last) = unbundle(leaf, Resource(ENTRIES, 0, made["index"] % 256 + 1))
    assert receipt.check(parsed, key, last).leaf.hex() == made["leaf_hash"]
    assert sha256(b"\x00" + last).hexdigest() == made["leaf_hash"]


def test_receipts_in_a_batch(server: Server, pep: str) -> None:
    """Each item that asks for one gets its own; the others stay bare."""
    asked = {"evaluations": [including(ALLOWED, "receipt"), ALLOWED, including(DENIED, "receipt")]}
    answer = server.send("POST", EVALUATIONS, encode(asked), JSON | bearer(pep))
    first, bare, last = answer.json()["evaluations"]
    assert bare == {"decision": True}
    places = [each["context"]["receipt"]["index"] for each in (first, last)]
    assert places[1] == places[0] + 2
    parsed = receipt.parse(last["context"]["receipt"]["proof"])
    assert parsed.position == places[1]


def test_a_restarted_log_goes_on(start: "Start") -> None:
    """After a restart the published checkpoint is a later one of the same tree."""
    server = start()
    before, _ = published(server)
    server.stop()
    again = Server(server.home)
    with again:
        after, _ = published(again, before.size + 1)
        tile = fetched(again, Resource(0, 0, before.size)).body
    tree = Tree()
    tree.extend(split(tile))
    assert after.size > before.size
    assert tree.root() == before.root
