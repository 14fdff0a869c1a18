"""The short way for checks says byte for byte what plain ASGI says."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.api.both_ways import LAST, Both, both_ways
from tests.api.calls import ALLOWED, DENIED, TOKENISED, including
from tests.servers import EVALUATION, EVALUATIONS, Home, encode

_STATUS = re.compile(rb"HTTP/1.1 ([0-9]+) ")
GOOD = encode(ALLOWED)
BATCH = encode(DENIED | {"evaluations": [ALLOWED, DENIED, {"subject": 7}]})
LONG = encode(ALLOWED | {"extra": "x" * 100_000})
TOO_LONG = encode(ALLOWED | {"extra": "x" * (2 << 20)})


def request(
    body: bytes = GOOD,
    path: str = EVALUATION,
    method: str = "POST",
    release: str = "1.1",
    headers: Mapping[str, str | None] = {},
) -> bytes:
    """A request as it goes over the wire, with `{key}` for a good key; None leaves a header out."""
    usual: dict[str, str | None] = {
        "Host": "policyd",
        "Authorization": "Bearer {key}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    lines = [
        f"{name}: {value}" for name, value in (usual | dict(headers)).items() if value is not None
    ]
    head = "\r\n".join([f"{method} {path} HTTP/{release}", *lines])
    return head.encode("latin-1") + b"\r\n\r\n" + body


def with_headers(**headers: str | None) -> bytes:
    """The good check with other headers; `_` stands for `-`."""
    return request(headers={name.replace("_", "-"): value for name, value in headers.items()})


def chunked(body: bytes) -> bytes:
    """The check in two chunks."""
    chunks = [body[:50], body[50:], b""]
    sent = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks)
    asked = with_headers(Content_Length=None, Transfer_Encoding="chunked")
    return asked.removesuffix(GOOD) + sent


def split(sent: bytes, *at: int) -> list[bytes]:
    """The same bytes in several packets."""
    places = [0, *at, len(sent)]
    return [sent[one:other] for one, other in pairwise(places)]


@dataclass(frozen=True)
class Talk:
    """What is sent over one connection.

    Attributes:
        taken: How many checks go the short way.
        says: The status of each answer.
        closes: Whether the server closes the connection then, without being asked again.
    """

    name: str
    packets: list[bytes]
    taken: int
    says: Sequence[int] = (200, 200)
    closes: bool = False

    def __str__(self) -> str:
        return self.name


def talk(name: str, sent: bytes, taken: int, *says: int, closes: bool = False) -> Talk:
    """A talk of one packet."""
    closes = closes or b"close" in sent
    told = says or (200,)
    return Talk(name, [sent], taken, told if closes else (*told, 200), closes)


def bad(name: str, sent: bytes, *, taken: int = 0) -> Talk:
    """A talk that uvicorn ends, since it is not HTTP."""
    return talk(name, sent, taken, 400, closes=True)


ORDINARY = [
    talk("allowed", request(), 1),
    talk("denied", request(encode(DENIED)), 1),
    talk("with an obligation", request(encode(TOKENISED)), 1),
    talk("with reasons", request(encode(including(DENIED, "reasons", "destination"))), 1),
    talk("a batch", request(BATCH, EVALUATIONS), 1),
    talk("with an id", with_headers(X_Request_ID="order 7"), 1),
    talk("Basic", with_headers(Authorization="Basic eDp5"), 1, 401),
    talk("another spelling of JSON", with_headers(Content_Type="Application/JSON; x=y"), 1),
    talk("to be closed", with_headers(Connection="close"), 1),
    talk("an origin", with_headers(Origin="https://elsewhere.example", Cookie="a=b"), 1),
]
REFUSED = [
    talk("no key", with_headers(Authorization=None), 1, 401),
    talk("a bad key", with_headers(Authorization="Bearer pd_nothing"), 1, 401),
    talk("two keys", request().replace(b"\r\n", b"\r\nAuthorization: Bearer x\r\n", 1), 1, 401),
    talk("no type", with_headers(Content_Type=None), 1, 400),
    talk("another type", with_headers(Content_Type="text/plain"), 1, 400),
    talk("no JSON", request(b"{]"), 1, 400),
    talk("empty", request(b""), 1, 400),
    talk("a member twice", request(GOOD[:-1] + b',"action":1}'), 1, 400),
    talk("another's integration", request(GOOD.replace(b'"sales/', b'"hr/')), 1, 403),
    talk("a long id", with_headers(X_Request_ID="x" * 129), 1, 400),
    talk("an id that is not ASCII", with_headers(X_Request_ID="\xe9"), 1, 400),
    talk("an id with a tab", with_headers(X_Request_ID="a\tb"), 0, 400),
    bad("an id with a delete", with_headers(X_Request_ID="a\x7fb")),
]
ELSEWHERE = [
    talk("GET", request(b"", method="GET"), 0, 405),
    talk("HEAD", request(b"", method="HEAD"), 0, 405),
    talk("PUT", request(method="PUT"), 0, 405),
    talk("OPTIONS", request(b"", method="OPTIONS"), 0, 405),
    talk("a query", request(path=f"{EVALUATION}?x=1"), 0),
    talk("a path that is escaped", request(path=EVALUATION.replace("v1", "%761")), 0),
    talk("a path beside it", request(path=f"{EVALUATION}/"), 0, 404),
    talk("the whole URL", request(path=f"http://policyd{EVALUATION}"), 0),
    talk("HTTP/1.0", request(release="1.0"), 0, closes=True),
    talk("chunked", chunked(GOOD), 0),
    talk("upgrade", with_headers(Upgrade="websocket", Connection="Upgrade, close"), 0, 400),
    talk("upgrade to h2c", with_headers(Upgrade="h2c", Connection="Upgrade, close"), 0, 400),
    talk("expects to go on", with_headers(Expect="100-continue"), 0, 100, 200),
    talk("expects and has no key", with_headers(Expect="100-continue", Authorization=""), 0, 401),
    talk("a long body", request(LONG), 0),
    talk("a body beyond the bound", request(TOO_LONG), 0, 413),
    talk("a body beyond the bound without a key", request(TOO_LONG).replace(b"{key}", b""), 0, 401),
    bad("no length", with_headers(Content_Length=None)),
    bad("two lengths", with_headers(Content_Length="7, 7")),
    bad("length and chunks", with_headers(Transfer_Encoding="chunked")),
    bad("no request", b"hello\r\n\r\n"),
    bad("a header that is none", request().replace(b"Host:", b"Ho st:")),
]
CONNECTIONS = [
    talk("two in one packet", request() * 2, 1, 200, 200),
    talk("many in one packet", request() + request(b"{]") + request() * 6, 1, 200, 400, *[200] * 6),
    talk("a refusal, then a check", with_headers(Authorization=None) + request(), 2, 401, 200),
    talk("a check between others", LAST.replace(b"close", b"x") + request() * 2, 0, 200, 200, 200),
    bad("a check, then nonsense", request() + b"nonsense\r\n\r\n", taken=1),
    talk("to be closed, then another", with_headers(Connection="close") + request(), 1, 200),
    Talk("a slow body", split(request(), *range(150, 400, 7)), 1),
    Talk("a slow head", split(request(), *range(0, 200, 9)), 1),
    Talk("more than one in pieces", split(request() * 3, 100, 500, 700), 1, [200] * 4),
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The two servers."""
    home = Home.make(tmp_path_factory.mktemp("both") / "data")
    with both_ways(home) as running:
        yield running


@pytest.mark.parametrize("said", [*ORDINARY, *REFUSED, *ELSEWHERE, *CONNECTIONS], ids=str)
def test_both_ways_say_the_same(both: Both, said: Talk) -> None:
    """Every byte but dates and ids is the same, on the same connection, in the same order."""
    packets = [each.replace(b"{key}", both.key.encode()) for each in said.packets]
    before = both.taken["checks"]
    last = [] if said.closes else [LAST]
    answers = {way: both.said(way, [*packets, *last]) for way in ("asgi", "direct")}
    assert answers["direct"] == answers["asgi"]
    assert _STATUS.findall(answers["asgi"]) == [b"%d" % each for each in said.says]
    taken = both.taken["checks"] - before
    # Packets may arrive together, or one by one: what is whole by itself is taken.
    assert taken == said.taken or (len(said.packets) > 1 and taken > said.taken)


@pytest.mark.parametrize("way", ["asgi", "direct"])
def test_whoever_leaves_before_the_end_of_the_body_has_asked_nothing(both: Both, way: str) -> None:
    """A request that is cut off is no check; one that is whole is on record, told or not."""
    whole = request().replace(b"{key}", both.key.encode())
    size = both.ledger.size
    both.leave(way, whole[:-1])
    both.leave(way, whole)
    both.await_size(size + 1)
    both.said(way, [whole, LAST])
    assert both.ledger.size == size + 2
