"""`policyd audit archive` and `run`, against a running server."""

import json
import shutil
from pathlib import Path

import pytest

from policyd_audit import note
from policyd_audit.export import parse
from tests.cli.program import Ended, Program
from tests.servers import JSON, Home, Server, bearer


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A data folder of its own."""
    return Home.make(tmp_path / "data")


def extend(policyd: Program, server: Server, key: str, *more: str) -> Ended:
    """The outcome of bringing the archive up to date."""
    url = f"http://127.0.0.1:{server.port}"
    return policyd("audit", "archive", "--to", "archive", "--url", url, *more, POLICYD_KEY=key)


def test_an_archive_grows_by_what_is_new(policyd: Program, home: Home) -> None:
    """Each part goes on where the last one ended, and nothing that is there is changed."""
    with Server(home) as server:
        key = str(server.make_key("auditor")["key"])
        first = extend(policyd, server, key, "--json")
        assert first.code == 0, first.err
        before = {path: path.read_bytes() for path in policyd.folder.glob("archive/*/*")}
        assert before
        server.get("/v1/audit/records", key)
        second = extend(policyd, server, key, "--json").json()
        third = extend(policyd, server, key)
    assert first.json()["end"] + second["added"] == second["end"]
    assert second["added"] == 2  # the reading, and the export of the first part
    assert "added    1 records" in third.out
    assert f"holds    records 0 to {second['end']}, in 3 parts" in third.out
    assert {path: path.read_bytes() for path in before} == before
    for path in policyd.folder.glob("archive/*/manifest"):
        signed = note.parse(path.read_text("utf-8"))
        note.verify(signed, note.parse_vkey(home.vkey))
        assert parse(signed.text).records[0] == int(path.parent.name)


def test_a_query_brings_its_archive_up_to_date(policyd: Program, home: Home) -> None:
    """`run --cache` takes what is new from the server, and asks it all."""
    with Server(home) as server:
        key = str(server.make_key("auditor")["key"])
        for times in (1, 2):
            server.get("/v1/audit/records?limit=7", key)
            url = f"http://127.0.0.1:{server.port}"
            ask = ["audit", "run", "who-read-the-log", "--cache", "archive", "--url", url, "--json"]
            rows = policyd(*ask, POLICYD_KEY=key).json()["rows"]
            found = {row["what"]: row["times"] for row in rows}
            assert found["order:newest limit:7"] == times
            # The export that brought it here is in the log only after it.
            assert found.get("parquet", 0) == times - 1


def test_what_is_not_as_it_was_is_told(policyd: Program, home: Home) -> None:
    """A changed file, a manifest of another key, a part that is gone, another form."""
    with Server(home) as server:
        key = str(server.make_key("auditor")["key"])
        for _ in range(3):
            assert extend(policyd, server, key).code == 0
        archive = policyd.folder / "archive"
        parts = sorted(path for path in archive.iterdir() if path.is_dir())
        good = policyd.folder / "good"
        shutil.copytree(archive, good)

        def broken() -> Ended:
            ended = extend(policyd, server, key)
            shutil.rmtree(archive)
            shutil.copytree(good, archive)
            return ended

        file = parts[0] / "records-000000.parquet"
        file.write_bytes(file.read_bytes()[:-1])
        assert "DOES NOT HOLD" in (ended := broken()).out
        assert (ended.code, "[file-differs]" in ended.out) == (1, True)

        file.unlink()
        assert "[file-missing]" in broken().out

        (parts[0] / "manifest").unlink()
        assert "[manifest-missing]" in broken().out

        manifest = parts[0] / "manifest"
        manifest.write_text(manifest.read_text("utf-8").replace("form parquet", "form csv"))
        assert "[manifest-unsigned]" in broken().out

        shutil.rmtree(parts[1])
        assert "[part-missing]" in broken().out

        assert "[archive-of-other-form]" in extend(policyd, server, key, "--form", "csv").err
        assert extend(policyd, server, key).code == 0


def test_a_log_that_was_rewritten_is_found(policyd: Program, home: Home) -> None:
    """An older copy that went another way does not go on from what was archived."""
    copy = home.data.with_name("copy")
    with Server(home) as server:
        key = str(server.make_key("auditor")["key"])
    shutil.copytree(home.data, copy)
    with Server(home) as server:
        assert extend(policyd, server, key).code == 0
    shutil.rmtree(home.data)
    copy.rename(home.data)
    with Server(home) as server:
        for _ in range(5):
            server.get("/v1/audit/records", key)
        ended = extend(policyd, server, key, "--json")
    assert ended.code == 1
    assert ended.json()["holds"] is False


def test_an_archive_goes_on_after_it_was_cut_short(policyd: Program, home: Home) -> None:
    """A part that was begun is finished as it was begun, and not begun again."""
    with Server(home) as server:
        key = str(server.make_key("auditor")["key"])
        end = extend(policyd, server, key, "--json").json()["end"]
        asked = json.dumps({"form": "parquet", "first": end}).encode()
        begun = server.send("POST", "/v1/audit/exports", asked, JSON | bearer(key)).json()
        # What an export leaves that ended after it was begun.
        part = policyd.folder / "archive" / f"{end:012d}.part"
        part.mkdir()
        named = ("id", "first", "end", "tree_size", "checkpoint", "verifier_keys")
        state = {"form": "parquet", "settled": [end, 0], "left_out": []}
        state["begun"] = [begun[each] for each in named]
        (part / "export.json").write_text(json.dumps(state), encoding="utf-8")
        assert extend(policyd, server, key).code == 0
    manifest = part.with_suffix("") / "manifest"
    assert parse(note.parse(manifest.read_text("utf-8")).text).id == begun["id"]


def test_what_is_no_archive_is_left_alone(policyd: Program, home: Home) -> None:
    """A folder with something else in it is refused, and nothing is written to it."""
    (policyd.folder / "archive").mkdir()
    (policyd.folder / "archive" / "thesis.tex").write_text("mine", encoding="utf-8")
    with Server(home) as server:
        key = str(server.make_key("auditor")["key"])
        ended = extend(policyd, server, key)
    assert (ended.code, "[no-archive]" in ended.err) == (2, True)
    assert [path.name for path in (policyd.folder / "archive").iterdir()] == ["thesis.tex"]


SLIPS = [
    ((), "[records-not-named]"),
    (("--from", "x", "--cache", "y"), "[records-not-named]"),
    (("--from", "empty"), "[no-parquet-files]"),
    (("--from", "junk"), "[files-unreadable]"),
    (("--from", "junk", "--set", "when=now"), "[parameter-unknown]"),
]


@pytest.mark.parametrize(("options", "told"), SLIPS)
def test_a_run_that_cannot_be(policyd: Program, options: tuple[str, ...], told: str) -> None:
    """It is refused, with what to do."""
    for name in ("empty", "junk"):
        (policyd.folder / name).mkdir()
    (policyd.folder / "junk" / "a.parquet").write_text("junk", encoding="utf-8")
    ended = policyd("audit", "run", "new-flows", *options)
    assert ended.code == 2
    assert told in ended.err


def test_saved_queries_are_listed(policyd: Program) -> None:
    """With what each answers."""
    shown = policyd("audit", "run")
    assert "who-read-the-log " in shown.out
    listed = policyd("audit", "run", "--json").json()["queries"]
    assert len(listed) == 13
    assert all(each["question"].endswith("?") for each in listed)
