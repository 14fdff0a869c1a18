"""A policy's way into force and back, by the commands of the people who take part."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import POLICIES, Ended, Program
from tests.servers import Home, Server

FORBID = """
forbid:
  nothing-by-mail:
    who: everyone
    send: anything
    to: [mail]
    reason: The contract has ended.
    fix: Wait for the next contract.
"""


class Person:
    """Somebody with a key, at a shell of their own."""

    def __init__(self, policyd: Program, server: Server, *roles: str, **about: str) -> None:
        """Make a key for them."""
        key = server.make_key(*roles, **about)["key"]
        self._policyd = policyd
        self._env = {"POLICYD_URL": f"http://127.0.0.1:{server.port}", "POLICYD_KEY": key}

    def __call__(self, *arguments: str | Path) -> Ended:
        """What a command of theirs ends with."""
        return self._policyd(*arguments, **self._env)


@pytest.fixture
def server(policyd: Program) -> Iterator[Server]:
    """A server that decides by what was published: the sample company."""
    made = policyd("init", "--data", "data", "--policies", POLICIES, "--json").json()
    with Server(Home(policyd.folder / "data", made["key"], made["vkey"]), None) as running:
        yield running


def edit(folder: Path, old: str, new: str, name: str = "guardrails/access.yaml") -> None:
    """Change a file of a tree."""
    path = folder / name
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def test_into_force_and_back(policyd: Program, server: Server) -> None:
    """pull, edit, publish, approve, publish again; then back, once what that opens was seen."""
    ann = Person(policyd, server, "author", holder="Ann")
    bob = Person(policyd, server, "approver", holder="Bob", owner="ciso")
    mine = policyd.folder / "mine"
    before = ann("pull", mine, "--json").json()["snapshot"]
    shipped = {path.relative_to(POLICIES) for path in POLICIES.rglob("*") if path.is_file()}
    assert {path.relative_to(mine) for path in mine.rglob("*") if path.is_file()} == {
        *shipped,
        Path(".policyd-base"),
    }
    edit(mine, "\nforbid:\n", FORBID)

    proposed = ann("publish", mine, "--reason", "the contract ends", "--json")
    assert (proposed.code, proposed.json()["state"]) == (1, "reviewed")
    change = proposed.json()["id"]
    assert "the approval of ciso" in ann("changes", "list").out
    assert "[change-not-ready]" in ann("changes", "publish", change).err
    approved = bob("changes", "approve", change)
    assert approved.code == 0
    assert "- closes  `finance/kpi-mail` may no longer send `analytics/kpi`" in approved.out
    done = ann("publish", mine, "--reason", "the contract ends")
    assert done.code == 0
    assert "state     published" in done.out
    closed = ann("pull", policyd.folder / "theirs", "--json").json()["snapshot"]
    assert closed != before

    _is_late(ann, policyd.folder / "stale", before)
    _goes_back(bob, before)
    told = ann("history", "--json").json()["publications"]
    assert [each["reason"] for each in told] == ["rollback", "publish", "init"]
    assert "rolled-back" in ann("changes", "list", "--all").out
    difference = ann("diff", before, closed)
    assert difference.out.startswith("it opens nothing: proved for every call (0 opened, ")


def _is_late(ann: Person, stale: Path, before: str) -> None:
    """See that what was made from something older is refused, and what moved shown."""
    shutil.copytree(POLICIES, stale)
    edit(stale, "name: halmfeld-foods", "name: halmfeld-food", "policyd.yaml")
    late = ann("publish", stale, "--reason", "late", "--base", before)
    assert late.code == 2
    assert "[base-moved]" in late.err
    assert "- closes  `finance/kpi-mail`" in late.err


def _goes_back(bob: Person, before: str) -> None:
    """See that going back says first what it opens, and then does it."""
    first = bob("rollback", before, "--reason", "too early")
    assert first.code == 1
    assert "+ opens   `finance/kpi-mail` may send `analytics/kpi`" in first.out
    (seen,) = [word for word in first.err.split() if word.startswith("sha256:") and word != before]
    again = bob("rollback", before, "--reason", "too early", "--yes", seen)
    assert again.code == 0
    assert f"in force  {before}" in again.out


def test_what_cannot_be_published_is_told(policyd: Program, server: Server, tmp_path: Path) -> None:
    """No base, no folder, nothing new, a tree with findings: each ends with its code."""
    ann = Person(policyd, server, "author", holder="Ann")
    assert "[no-folder]" in ann("publish", "nowhere", "--reason", "x").err
    mine = Path(shutil.copytree(POLICIES, tmp_path / "mine"))
    assert "[base-missing]" in ann("publish", mine, "--reason", "x").err
    ann("pull", mine)
    assert "[already-in-force]" in ann("publish", mine, "--reason", "x").err
    edit(mine, "\nforbid:\n", "\nforbidden:\n")
    broken = ann("publish", mine, "--reason", "x")
    assert broken.code == 1
    assert "it is blocked by lint" in broken.out
    assert "  ! guardrails/access.yaml:" in broken.out
    assert "state     refused" in broken.out
    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter.txt").write_text("not a policy")
    refused = ann("pull", tmp_path / "home")
    assert "[folder-not-written]" in refused.err
    assert (tmp_path / "home/letter.txt").exists()
