"""`policyd publish`, `pull`, `history`, `diff` and `rollback`: the policies of a running server."""

from pathlib import Path
from typing import Annotated, Any

import typer

from policyd.cli.exits import FAILED, FINE
from policyd.cli.options import AsJson, ending
from policyd.cli.output import remark, say, say_json, say_table
from policyd.cli.reply import having
from policyd.cli.review_lines import change_lines, review_lines, waits_for
from policyd.cli.server import DEFAULT_URL, Refused, Server, Url
from policyd.cli.waiting import done, until
from policyd.model.errors import UsageError

_PATH = "/v1/policies"
BASE = ".policyd-base"
"""Where `pull` leaves the digest of the tree that it wrote, beside that tree."""

_CODES = "0 in force, 1 it waits for approvals, 2 refused, 3 no answer"
_PUBLISH = 'policyd publish policies --title "Close the CRM" --reason "the contract ends"'

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The policy tree.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded for ever.")]
Digest = Annotated[str, typer.Argument(metavar="DIGEST", help="As `policyd history` shows it.")]


def register(app: typer.Typer) -> None:
    """Give *app* the commands."""
    app.command("publish", epilog=ending(_PUBLISH, _CODES))(publish)
    app.command("pull", epilog=ending("policyd pull policies", "0 done, 2 refused, 3 no answer"))(
        pull
    )
    codes = "0 done, 2 refused, 3 no answer"
    app.command("history", epilog=ending("policyd history", codes))(history)
    app.command("diff", epilog=ending("policyd diff sha256:… sha256:…", codes))(diff)
    example = 'policyd rollback sha256:… --reason "the sync broke"'
    app.command("rollback", epilog=ending(example, "0 done, 1 it opens something, 2 refused"))(
        rollback
    )


def publish(  # noqa: PLR0913 - one parameter per option
    folder: Folder,
    *,
    reason: Why,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="In a few words.")] = None,
    base: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="What has to be in force.  [what was pulled]"),
    ] = None,
    emergency: Annotated[
        int | None,
        typer.Option(metavar="HOURS", help="Put it in force at once; approvals come after."),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Propose a tree; put it in force if it is approved already.

    Run again after the approvals, it puts the same change in force.
    """
    from policyd.policy.whole import read_whole

    files = read_whole(folder)
    server = Server.at(url)
    asked = {"title": title or reason[:120], "reason": reason, "base": base or _base(folder)}
    change = _proposed(
        server, asked | {"files": {path: each.decode() for path, each in files.items()}}
    )
    is_urgent = emergency is not None and change["state"] in {"proposed", "reviewed", "approved"}
    if not is_urgent:
        change = _reviewed(server, change["id"])
    if is_urgent or change["state"] == "approved":
        sent = {"emergency": {"hours": emergency}, "why": reason} if is_urgent else {"why": reason}
        path = f"{_PATH}/changes/{change['id']}/publication"
        done(server, server.ask("POST", path, sent).body)
        change = server.ask("GET", f"{_PATH}/changes/{change['id']}").body
    return _told(change, as_json=as_json)


def pull(folder: Folder, *, url: Url = DEFAULT_URL, as_json: AsJson = False) -> int:
    """Write the tree in force into a folder; other files go."""
    server = Server.at(url)
    snapshot = having(("snapshot",), server.ask("GET", _PATH).body)["snapshot"]
    tree = having(("files",), server.ask("GET", f"{_PATH}/trees/{snapshot}").body)
    _write(folder, tree["files"], snapshot)
    if as_json:
        say_json({"snapshot": snapshot, "files": len(tree["files"])})
    else:
        say(f"{snapshot}  {len(tree['files'])} files in {folder}")
    return FINE


def history(
    *,
    limit: Annotated[int, typer.Option(metavar="N", help="How many.")] = 20,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """List what was put in force, the last first."""
    body = Server.at(url).ask("GET", f"{_PATH}/history?limit={limit}").body
    found = having(("publications",), body)
    if as_json:
        say_json(found)
        return FINE
    rows = [
        (
            each["at"][:19],
            each["snapshot"],
            each["reason"],
            each["change"] or "-",
            each["why"] or "-",
        )
        for each in found["publications"]
    ]
    say_table(("AT", "SNAPSHOT", "BY", "CHANGE", "WHY"), rows)
    return FINE


def diff(base: Digest, head: Digest, *, url: Url = DEFAULT_URL, as_json: AsJson = False) -> int:
    """Say what one snapshot opens and closes against another."""
    found = _compared(Server.at(url), base, head)
    if as_json:
        say_json(found)
    else:
        for line in review_lines(found):
            say(line)
    return FINE


def rollback(
    target: Digest,
    *,
    reason: Why,
    yes: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="You have seen what it opens, under this digest."),
    ] = None,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Go back to what was in force; first say what that opens."""
    server = Server.at(url)
    now = having(("snapshot",), server.ask("GET", _PATH).body)["snapshot"]
    found = _compared(server, now, target)
    if not as_json:
        for line in review_lines(found):
            say(line)
    if found["verdict"] != "proved" and yes != found["decision"]:
        if as_json:
            say_json(found)
        remark("Going back opens what is closed now, or nobody knows. To do it all the same:")
        remark(f"  policyd rollback {target} --reason TEXT --yes {found['decision']}")
        return FAILED
    asked = {"to": target, "why": reason} | ({"decision": yes} if yes else {})
    result = done(server, server.ask("POST", f"{_PATH}/rollbacks", asked).body)
    if as_json:
        say_json(result)
    else:
        say(f"in force  {result['snapshot']}")
    return FINE


def _base(folder: Path) -> str:
    """The digest of what was pulled into *folder*.

    Raises:
        UsageError: nothing was.
    """
    kept = folder / BASE
    if not kept.is_file():
        raise UsageError(
            "say what the tree was made from: --base DIGEST, as `policyd history` has it, or start"
            " from what `policyd pull` writes",
            code="base-missing",
        )
    return kept.read_text("utf-8").strip()


def _proposed(server: Server, asked: dict[str, Any]) -> dict[str, Any]:
    """The change that was proposed; if the base moved, what moved is shown before that is told."""
    try:
        return having(("id", "state"), server.ask("POST", f"{_PATH}/changes", asked).body)
    except Refused as error:
        if error.code == "base-moved":
            now = server.ask("GET", _PATH).body["snapshot"]
            remark(f"Since `{asked['base']}`, this has moved:")
            try:
                for line in review_lines(_compared(server, asked["base"], now)):
                    remark(line)
            except Refused as unknown:
                remark(f"  {unknown.message}")
        raise


def _reviewed(server: Server, change_id: str) -> dict[str, Any]:
    path = f"{_PATH}/changes/{change_id}"
    return until(
        lambda: having(("state", "progress"), server.ask("GET", path).body),
        lambda seen: seen["state"] != "proposed" or str(seen["progress"]).startswith("failed"),
        "progress",
    )


def _compared(server: Server, base: str, head: str) -> dict[str, Any]:
    asked = {"base": base, "head": head}
    job = server.ask("POST", f"{_PATH}/comparisons", asked).body
    return having(("verdict", "decision"), done(server, job))


def _told(change: dict[str, Any], *, as_json: bool) -> int:
    is_in_force = change["state"] == "published"
    if as_json:
        say_json(change)
    else:
        if change["review"]:
            for line in review_lines(change["review"]):
                say(line)
        for line in change_lines(change):
            say(line)
        if waits_for(change) and not is_in_force:
            remark(f"next: policyd changes approve {change['id']}, then this command again")
    return FINE if is_in_force else FAILED


def _write(folder: Path, files: dict[str, str], snapshot: str) -> None:
    """Make *folder* have these files and no other, but for hidden ones.

    Raises:
        UsageError: it holds something else than a policy tree, or cannot be written.
    """
    from policyd.policy.whole import fault

    wrong = [path for path in files if fault(path)]
    if wrong or (
        folder.is_dir() and any(folder.iterdir()) and not (folder / "policyd.yaml").exists()
    ):
        what = f"the server sends a file `{wrong[0][:80]}`" if wrong else "it holds something else"
        raise UsageError(f"`{folder}` is not written: {what}", code="folder-not-written")
    try:
        for old in [*folder.rglob("*")] if folder.is_dir() else []:
            path = old.relative_to(folder).as_posix()
            is_hidden = any(part.startswith(".") for part in path.split("/"))
            if old.is_file() and not is_hidden and path not in files:
                old.unlink()
        for path, text in files.items():
            where = folder / path
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_text(text, "utf-8", newline="")
        (folder / BASE).write_text(f"{snapshot}\n", "utf-8")
    except OSError as error:
        raise UsageError(
            f"`{folder}` cannot be written: {error.strerror}", code="folder-not-written"
        ) from error
