"""A server that decides by what was published: its start, and a registry that does not fit."""

import shutil
from pathlib import Path

import pytest

from policyd import bootstrap
from policyd.model.errors import PolicydError
from policyd.settings import read_settings
from tests.published import SMALL, Someone, edited, files_of, small_home
from tests.servers import Home, Server, policyd


def refusal(home: Home, **settings: object) -> PolicydError:
    """Why a server does not start."""
    with pytest.raises(PolicydError) as refused:
        bootstrap.serve(read_settings(data=home.data, port=0, **settings))
    return refused.value


def written(folder: Path, files: dict[str, str]) -> Path:
    """The folder, with these files."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return folder


def test_an_older_registry_was_put_back(tmp_path: Path) -> None:
    """It is refused with the digest that it lacks; the very tree, given back, is all it takes."""
    home, old = small_home(tmp_path / "data"), tmp_path / "registry.db"
    with Server(home, None) as server:
        ann = Someone(server, "Ann", "author")
        hans = Someone(server, "Hans", "approver", owner="hr-team")
        files = edited(files_of())
        shutil.copy(home.data / "registry.db", old)
        change = ann.reviewed(files)
        hans.approve(change)
        ann.done(ann.publish(change))
    shutil.copy(old, home.data / "registry.db")
    refused = refusal(home)
    assert refused.code == "in-force-missing"
    assert change["snapshot"] in refused.message
    other = policyd("init", "--data", home.data, "--policies", SMALL)
    assert "[already-published]" in other.stderr
    tree = written(tmp_path / "tree", files)
    assert policyd("init", "--data", home.data, "--policies", tree).returncode == 0
    with Server(home, None) as server:
        assert server.ready().json()["snapshot"] == change["snapshot"]


def test_nothing_was_published(tmp_path: Path) -> None:
    """Without a first policy no server starts; others may reach one that would."""
    home = Home.make(tmp_path / "data")
    assert refusal(home).code == "nothing-published"
    anywhere = refusal(home, host="0.0.0.0", trusted_proxy="192.0.2.1")  # noqa: S104 - asked for
    assert anywhere.code == "nothing-published"


def test_a_folder_that_was_served_meanwhile(tmp_path: Path) -> None:
    """What was decided by a folder, for development, does not count as published."""
    home = small_home(tmp_path / "data")
    with Server(home, None) as server:
        published = server.ready().json()["snapshot"]
    with Server(home) as server:
        assert server.ready().json()["snapshot"] != published
    with Server(home, None) as server:
        state = server.ready().json()
    assert (state["snapshot"], state["source"]) == (published, "published")


def test_first_policies_with_findings(tmp_path: Path) -> None:
    """They are told finding by finding, and no data folder is left behind."""
    tree = written(tmp_path / "tree", edited(files_of(), text="allow: []\n"))
    done = policyd("init", "--data", tmp_path / "data", "--policies", tree)
    assert done.returncode == 2
    assert "[policy-invalid]" in done.stderr
    assert f"{tree}/units/hr/access.yaml:1:" in done.stderr
    assert not (tmp_path / "data").exists()
