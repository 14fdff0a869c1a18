"""What the program says of itself, and of commands it does not understand."""

import os
import pty
import re
import subprocess
import sys

import pytest
from fastapi.routing import APIRoute

from policyd import __version__
from policyd.api import checks
from policyd.api import destinations as looked_up
from policyd.api import keys as served
from policyd.cli import check, destinations, keys
from policyd.cli.options import listed
from tests.cli.program import POLICIES, Program

COMMANDS = [
    ["init"],
    ["serve"],
    ["check"],
    ["lint"],
    ["demo"],
    ["destinations"],
    ["destinations", "match"],
    ["publish"],
    ["pull"],
    ["history"],
    ["diff"],
    ["rollback"],
    ["notices"],
    ["modes", "readiness"],
    ["changes"],
    ["changes", "list"],
    ["changes", "show"],
    ["changes", "approve"],
    ["changes", "refuse"],
    ["changes", "withdraw"],
    ["changes", "publish"],
    ["keys"],
    ["keys", "create"],
    ["keys", "list"],
    ["keys", "revoke"],
    ["audit", "show"],
    ["audit", "erase"],
    ["audit", "prune"],
    ["audit", "hold", "add"],
    ["audit", "hold", "list"],
    ["audit", "hold", "release"],
]
WITHOUT_JSON = [["changes"], ["demo"], ["destinations"], ["keys"]]
_HEAVY = {"fastapi", "sqlmodel", "sqlalchemy", "casbin", "pydantic", "httpx2", "apsw", "uvicorn"}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_and_its_exit_codes(
    policyd: Program, command: list[str]
) -> None:
    """The help of each command has an example of itself, and says what its exit codes mean."""
    ended = policyd(*command, "--help")

    assert ended.code == 0
    assert re.search(rf"^ +policyd {' '.join(command)}\b", ended.out, re.MULTILINE)
    assert "Exit codes: 0 " in ended.out
    assert "\x1b" not in ended.out


@pytest.mark.parametrize(
    "command",
    [each for each in COMMANDS if each not in (["changes"], ["destinations"], ["keys"], ["demo"])],
)
def test_every_command_can_speak_to_programs(policyd: Program, command: list[str]) -> None:
    """Each command has `--json`."""
    assert "--json" in policyd(*command, "--help").out


def test_help_lists_every_command(policyd: Program) -> None:
    """Without a command, or with --help, the program lists its commands."""
    ended = policyd("--help")

    assert policyd().out == ended.out
    for command in COMMANDS:
        assert re.search(rf"^ +{command[0]}  ", ended.out, re.MULTILINE)


GROUPS = [[], ["audit"], ["audit", "hold"], ["changes"], ["destinations"], ["keys"], ["modes"]]


@pytest.mark.parametrize("group", GROUPS, ids=" ".join)
def test_summaries_are_told_to_their_end(policyd: Program, group: list[str]) -> None:
    """In a terminal of 80 columns no summary of a command is cut off."""
    assert "..." not in policyd(*group, "--help", COLUMNS="80").out.partition("Commands:")[2]


def test_version_is_told(policyd: Program) -> None:
    """`--version` prints the version alone."""
    assert policyd("--version").out == f"policyd {__version__}\n"


def test_help_is_light(policyd: Program) -> None:
    """Help loads nothing that takes long to import, so that it comes at once."""
    program = "import sys; from policyd.cli.main import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=policyd.env(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert _HEAVY.isdisjoint(done.stdout.split())


@pytest.mark.parametrize(
    ("command", "told", "where"),
    [
        (["lnt"], "`lnt`", "policyd --help"),
        (["lint"], "missing argument `DIR`", "policyd lint --help"),
        (["lint", "a", "b"], "unexpected extra argument", "policyd lint --help"),
        (["serve", "--prot", "1"], "--port", "policyd serve --help"),
        (["serve", "--port", "http"], "integer", "policyd serve --help"),
        (["keys", "make"], "`make`", "policyd keys --help"),
        (["destinations", "find"], "`find`", "policyd destinations --help"),
        (["destinations", "match"], "missing argument `URL`", "policyd destinations match --help"),
        (
            ["destinations", "match", "a", "--method"],
            "--method",
            "policyd destinations match --help",
        ),
        (["keys", "create", "x"], "--role", "policyd keys create --help"),
        (["check", "a/b", "read", "c/d", "--rows", "-1"], "--rows", "policyd check --help"),
        (["init", "--data"], "--data", "policyd init --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_misused_command_says_how(
    policyd: Program, command: list[str], told: str, where: str
) -> None:
    """A command that is not understood ends with 2, what is wrong, and where the help is."""
    ended = policyd(*command)

    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("policyd: ")
    assert "[usage]" in ended.err
    assert told in ended.err
    assert where in ended.err


def shown_on_a_terminal(policyd: Program, **env: str) -> str:
    """What `policyd lint` shows when stdout is a terminal."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "policyd", "lint", str(POLICIES)],
            env=policyd.env(TERM="xterm", **env),
            stdout=theirs,
            check=True,
        )
        return os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_colours_are_for_terminals_only(policyd: Program) -> None:
    """A terminal gets colours; with NO_COLOR, and in a pipe, the same words come without."""
    coloured = shown_on_a_terminal(policyd)
    plain = shown_on_a_terminal(policyd, NO_COLOR="1")

    assert "\x1b[32m" in coloured
    assert "\x1b" not in plain
    assert plain.strip() == policyd("lint", POLICIES).out.strip()
    assert "no findings" in plain


def test_reader_that_leaves_is_no_fault(policyd: Program) -> None:
    """A command whose output nobody reads any more ends without a traceback."""
    theirs, ours = os.pipe()
    os.close(theirs)
    done = subprocess.run(
        [sys.executable, "-m", "policyd", "lint", str(POLICIES), "--json"],
        env=policyd.env(),
        stdout=ours,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(ours)

    assert done.returncode == 141
    assert done.stderr == ""


def test_options_take_lists_both_ways() -> None:
    """A list may be given with commas, by repeating its option, or both."""
    assert listed(["mask, tokenise", "", "drop-fields,"]) == ["mask", "tokenise", "drop-fields"]
    assert listed(None) == []


def test_client_commands_ask_the_documented_places() -> None:
    """The client and the API name the same paths."""
    assert checks.PATH == check._PATH  # noqa: SLF001 - two ends of one wire
    assert served.router.prefix == keys._PATH  # noqa: SLF001 - the same
    (route,) = looked_up.router.routes
    assert isinstance(route, APIRoute)
    assert route.path == destinations._PATH  # noqa: SLF001 - the same
