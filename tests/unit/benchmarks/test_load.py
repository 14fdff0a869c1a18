"""What wrk is given and what it says."""

from pathlib import Path

import pytest

from tests.benchmarks.load import Load, read_result, write_requests

SAID = (
    "Running 1s test\n\n"
    'bench {"requests":50,"seconds":0.5,"p50_ms":1.5,"p99_ms":9,"max_ms":10,'
    '"refused":%d,"broken":0}\n'
)


def test_the_result_is_found() -> None:
    """wrk's own words are passed over."""
    load = read_result(SAID % 0)
    assert (load.per_second, load.p50_ms, load.p99_ms) == (100.0, 1.5, 9.0)
    assert load.check("it") is load


def test_no_result_is_no_figure() -> None:
    """wrk that could not even connect is an error, with its words."""
    with pytest.raises(AssertionError, match="unable to connect"):
        read_result("unable to connect to 127.0.0.1")


@pytest.mark.parametrize(
    "load",
    [
        read_result(SAID % 1),
        Load(requests=0, seconds=1, p50_ms=0, p99_ms=0, max_ms=0, refused=0, broken=0),
        Load(requests=9, seconds=1, p50_ms=0, p99_ms=0, max_ms=0, refused=0, broken=2),
    ],
    ids=["refused", "none", "broken"],
)
def test_a_wrong_answer_spoils_the_figure(load: Load) -> None:
    """Speed counts only if every request was answered properly."""
    with pytest.raises(AssertionError, match="the server left requests"):
        load.check("the server")


def test_keys_take_turns(tmp_path: Path) -> None:
    """Each line has a key, or a dash where none is needed, and a body."""
    file = write_requests(tmp_path / "r", ["k1", "k2"], [b"{}", b"[]", b"{ }"])
    assert file.read_bytes() == b"k1 {}\nk2 []\nk1 { }\n"
    assert write_requests(tmp_path / "r", (), [b"{}"]).read_bytes() == b"- {}\n"
