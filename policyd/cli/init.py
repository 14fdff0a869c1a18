"""`policyd init`: a new data folder, with an empty log, the first admin key, and a first policy."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from policyd.cli.exits import FINE
from policyd.cli.findings import told_in
from policyd.cli.options import AsJson, Data, ending
from policyd.cli.output import remark, say, say_json

_CODES = "0 done, 2 there is something already, or it cannot be written"
_NEXT = """\

The admin key is shown this once: keep it where secrets are kept. Give the verifier key to the
auditors. Then start the server:
  policyd serve --data {data}{policies}
and, with the admin key in POLICYD_KEY, make a key for whoever asks:
  policyd keys create NAME --service --owner TEAM --role pep --unit UNIT"""


def register(app: typer.Typer) -> None:
    """Give *app* the command."""
    example = "policyd init --data policyd-data --holder maria --policies policies"
    app.command("init", epilog=ending(example, _CODES))(init)


def init(
    *,
    data: Data = None,
    origin: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name of the log, for ever: best a host and path of your own."
            "  [POLICYD_ORIGIN, or policyd.local/log]",
        ),
    ] = None,
    holder: Annotated[
        str, typer.Option(metavar="NAME", help="The person who gets the admin key.")
    ] = "admin",
    policies: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Put this policy tree in force, the first one; also in a data folder that is"
            " there already and has none.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Make a data folder with a log; print its first admin key."""
    from policyd.bootstrap import initialise
    from policyd.policy.whole import read_whole
    from policyd.settings import read_settings

    # POLICYD_POLICIES is what a server reads for itself; here the folder is named or there is none.
    settings = read_settings(data=data, origin=origin)
    with told_in(policies):
        files = read_whole(policies) if policies else None
        if files is not None and settings.data.exists():
            return _first(settings.data, files, as_json=as_json)
        made = initialise(settings.data, settings.origin, holder, files)
    if as_json:
        about = {"data": str(made.data), "origin": settings.origin, "holder": holder}
        about |= {"key_id": made.key_id, "key": made.key, "vkey": made.vkey}
        say_json(about | ({"snapshot": made.snapshot} if made.snapshot else {}))
        return FINE
    say(f"data folder   {made.data}")
    say(f"verifier key  {made.vkey}")
    if made.snapshot:
        say(f"in force      {made.snapshot}")
    say(f"admin key     {made.key}", "bold")
    told = "" if made.snapshot else " --policies DIR"
    for line in _NEXT.format(data=shlex.quote(str(made.data)), policies=told).split("\n"):
        remark(line)
    return FINE


def _first(data: Path, files: dict[str, bytes], *, as_json: bool) -> int:
    """Put a first policy in force in a data folder that has none."""
    from policyd.bootstrap import publish_first

    snapshot = publish_first(data, files)
    if as_json:
        say_json({"data": str(data), "snapshot": snapshot})
    else:
        say(f"data folder   {data}")
        say(f"in force      {snapshot}")
    return FINE
