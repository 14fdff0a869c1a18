"""`policyd init`, and what `policyd serve` says before it serves."""

import re
import shutil
import socket
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.program import POLICIES, Ended, Program

_SECRET = re.compile(r"pd_[a-z2-7]{8}_[\w-]{43}")


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file in a folder."""
    return {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def serve(policyd: Program, *arguments: str, **env: str) -> Ended:
    """A server that is expected not to start."""
    return policyd("serve", *arguments, **{"POLICYD_POLICIES": str(POLICIES)} | env)


def test_admin_key_is_shown_once(policyd: Program) -> None:
    """`init` prints the key and the verifier key once, what to do next, and keeps no secret."""
    ended = policyd("init", "--data", "d", "--origin", "log.example/one", "--holder", "Ida")

    (secret,) = set(_SECRET.findall(ended.out))
    assert ended.code == 0
    assert "log.example/one+" in ended.out
    assert "policyd serve --data d" in ended.err
    assert not _SECRET.search(ended.err)
    files = contents(policyd.folder / "d")
    assert files
    assert not any(secret.encode() in written for written in files.values())


def test_programs_get_all_of_it(policyd: Program) -> None:
    """With --json stdout is one object, and the folder comes from the variable."""
    ended = policyd("init", "--json", "--holder", "Ida", POLICYD_DATA="here")
    made = ended.json()

    assert (made["data"], made["holder"], made["origin"]) == ("here", "Ida", "policyd.local/log")
    assert made["key"].startswith(f"pd_{made['key_id']}_")
    assert made["vkey"].startswith("policyd.local/log+")
    assert (policyd.folder / "here").is_dir()


def test_second_init_changes_nothing(policyd: Program) -> None:
    """A folder that is there already is refused, and stays as it was."""
    policyd("init", "--data", "d")
    before = contents(policyd.folder / "d")

    ended = policyd("init", "--data", "d")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("policyd: ")
    assert contents(policyd.folder / "d") == before


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [("--origin", "my log", "origin-invalid"), ("--holder", " ", "key-invalid")],
)
def test_bad_name_leaves_nothing_behind(
    policyd: Program, option: str, value: str, code: str
) -> None:
    """A name that cannot be is refused with its code, and no folder is left half made."""
    ended = policyd("init", "--data", "d", option, value)

    assert ended.code == 2
    assert f"[{code}]" in ended.err
    assert policyd("init", "--data", "d").code == 0


def test_missing_data_folder_is_told(policyd: Program) -> None:
    """A server without a data folder says which command makes one."""
    ended = serve(policyd, "--data", "d")

    assert ended.code == 2
    assert "policyd init" in ended.err


def test_a_server_without_policies_says_how_to_have_some(policyd: Program) -> None:
    """A server on a folder in which nothing was published names both ways to have policies."""
    policyd("init", "--data", "d")
    ended = policyd("serve", "--data", "d", "--port", "0")

    assert ended.code == 2
    assert "[nothing-published]" in ended.err
    assert "policyd init --policies DIR" in ended.err
    assert "policyd serve --policies DIR" in ended.err


def test_a_first_policy_is_put_in_force_once(policyd: Program) -> None:
    """`init --policies` puts a tree in force, later as well; another one only `publish` can."""
    policyd("init", "--data", "d")
    first = policyd("init", "--data", "d", "--policies", POLICIES, "--json")
    assert first.code == 0
    assert policyd("init", "--data", "d", "--policies", POLICIES, "--json").out == first.out
    shutil.copytree(POLICIES, policyd.folder / "mine")
    with (policyd.folder / "mine/policyd.yaml").open("a") as file:
        file.write("# a comment counts\n")
    ended = policyd("init", "--data", "d", "--policies", "mine")
    assert ended.code == 2
    assert "[already-published]" in ended.err


def test_broken_policies_are_told_by_place(policyd: Program) -> None:
    """A server does not start on broken policies, and names each finding as `lint` does."""
    policyd("init", "--data", "d")
    shutil.copytree(POLICIES, policyd.folder / "mine")
    (policyd.folder / "mine" / "policyd.yaml").write_text("")

    ended = serve(policyd, "--data", "d", "--policies", "mine")

    assert ended.code == 2
    assert "mine/policyd.yaml:1:1: " in ended.err
    assert "[policy-invalid]" in ended.err
    assert "Traceback" not in ended.err


def test_folder_mode_stays_on_loopback(policyd: Program) -> None:
    """Unreviewed policies are not served to a network."""
    ended = serve(policyd, "--host", "192.0.2.7", "--trusted-proxy", "192.0.2.1")

    assert ended.code == 2
    assert "[folder-mode-is-local]" in ended.err


def test_port_in_use_is_told(policyd: Program) -> None:
    """A port that is taken is told, with the way out."""
    policyd("init", "--data", "d")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        ended = serve(policyd, "--data", "d", "--port", port)

    assert ended.code == 2
    assert f"127.0.0.1:{port}" in ended.err
    assert "[port-unavailable]" in ended.err
    assert "--port" in ended.err


def test_bad_setting_is_told(policyd: Program) -> None:
    """A variable that cannot be used ends the start with 2 and its name."""
    ended = serve(policyd, POLICYD_MAX_DEPTH="deep")

    assert ended.code == 2
    assert "POLICYD_MAX_DEPTH cannot be `deep`" in ended.err
    assert "[setting-invalid]" in ended.err
