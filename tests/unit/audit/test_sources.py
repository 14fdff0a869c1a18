"""Where resources come from: folders and servers, good and bad."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from policyd_audit.errors import Malformed, Unreadable
from policyd_audit.sources import Folder, Server

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server of this machine that answers like that, and its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer a GET."""
            answer(self)

        def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as inherited
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def sending(status: int, body: bytes) -> Answer:
    """Answer everything with that."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_server_is_asked_below_its_prefix() -> None:
    """The path stands behind that of the URL, and the key goes with it."""
    asked = []

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        asked.append((handler.path, handler.headers["Authorization"]))
        sending(200, b"hashes")(handler)

    with serving(answer) as url, closing(Server(f"{url}/eu/log/", "pd_1")) as source:
        assert source.get("tile/0/000", 100) == b"hashes"
    with serving(answer) as url, closing(Server(f"{url}/log")) as source:
        source.get("checkpoint", 100)
    assert asked == [("/eu/log/tile/0/000", "Bearer pd_1"), ("/log/checkpoint", None)]


@pytest.mark.parametrize(
    ("status", "path", "code", "words"),
    [
        (401, "tile/entries/000", "access-denied", "put such a key into POLICYD_KEY"),
        (403, "tile/entries/000", "access-denied", "to auditors only"),
        (404, "tile/0/000", "resource-missing", "is missing"),
        (410, "tile/0/000", "resource-missing", "is missing"),
        (404, "checkpoint", "no-log", "ends in `/log`"),
        (500, "checkpoint", "server-trouble", "answers 500"),
        (302, "checkpoint", "server-trouble", "answers 302"),
    ],
)
def test_what_a_server_will_not_give(status: int, path: str, code: str, words: str) -> None:
    """A refusal says what to do; only what a log must have and has not is a fault of the log."""
    with (
        serving(sending(status, b"")) as url,
        closing(Server(url)) as source,
        pytest.raises((Unreadable, Malformed), match=words) as caught,
    ):
        source.get(path, 10)
    assert caught.value.code == code
    assert isinstance(caught.value, Malformed) is (code == "resource-missing")


def test_too_much_is_not_read_to_the_end() -> None:
    """A server that sends more than a resource may have cannot fill the memory."""
    with serving(sending(200, b"x" * 100_000)) as url, closing(Server(url)) as source:
        for _ in range(2):
            with pytest.raises(Malformed, match="has more than the 10 bytes it may have"):
                source.get("tile/0/000", 10)


def test_a_closed_connection_is_opened_again() -> None:
    """A server that hangs up after each answer is asked on a new connection."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        sending(200, b"ok")(handler)
        handler.wfile.flush()
        handler.close_connection = True

    with serving(answer) as url, closing(Server(url)) as source:
        assert [source.get("checkpoint", 10) for _ in range(3)] == [b"ok"] * 3


def test_a_server_that_is_not_there() -> None:
    """It says nothing of the log."""
    with serving(sending(200, b"")) as url:
        pass
    with closing(Server(url)) as source, pytest.raises(Unreadable, match="no answer") as caught:
        source.get("checkpoint", 10)
    assert caught.value.code == "server-unreachable"


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https://:1/log",
        "https://a:0/log",
        "https://a:b/log",
        "https://[a/log",
        "ftp://a/log",
        "https://a/log?x",
        "https://a/log#x",
        "https://key@a/log",
        "https://bücher.example/log",
        "https://a/lo\ng",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    """It is refused with an example of one."""
    with pytest.raises(Unreadable, match=r"write it like https://policyd\.example/log") as caught:
        Server(url)
    assert caught.value.code == "url-invalid"


def test_a_key_never_travels_unencrypted() -> None:
    """With a key, http is for this machine only; without one, it is not refused."""
    with pytest.raises(Unreadable, match="use https") as caught:
        Server("http://log.example/log", "pd_1")
    assert caught.value.code == "url-unencrypted"
    for url, key in (("http://log.example/log", ""), ("https://log.example/log", "pd_1")):
        Server(url, key).close()


@pytest.mark.parametrize("key", ["pd_\n1", "schlüssel"])
def test_a_key_that_is_none(key: str) -> None:
    """It is not sent, and not shown."""
    with pytest.raises(Unreadable, match="copy it again") as caught:
        Server("https://log.example/log", key)
    assert key not in str(caught.value)


def test_a_folder_without_a_checkpoint(tmp_path: Path) -> None:
    """It is no log."""
    with pytest.raises(Unreadable, match="there is no file `checkpoint`") as caught:
        Folder(tmp_path)
    assert caught.value.code == "file-missing"


def test_files_that_are_none(tmp_path: Path) -> None:
    """A folder in the place of a file, and a file in that of a folder, are missing resources."""
    (tmp_path / "checkpoint").write_bytes(b"x")
    (tmp_path / "tile").mkdir()
    with closing(Folder(tmp_path)) as source:
        for path in ("tile", "checkpoint/x", "other"):
            with pytest.raises(Malformed, match="is missing"):
                source.get(path, 10)
        with pytest.raises(Malformed, match="more than the 0 bytes"):
            source.get("checkpoint", 0)


def test_a_name_the_system_refuses(tmp_path: Path) -> None:
    """Trouble with the disk says nothing of the log."""
    (tmp_path / "checkpoint").write_bytes(b"x")
    with closing(Folder(tmp_path)) as source, pytest.raises(Unreadable, match="cannot be read"):
        source.get("x" * 5000, 10)
