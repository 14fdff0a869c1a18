"""`policyd audit`: what is done to the log itself, and with it.

Over a running server: see `export`, `removal` and `holds`. Offline, with the folder's lock: here.
"""

from pathlib import Path
from typing import Annotated

import typer

from policyd.cli import archive, export, fields, holds, removal, saved, search, show, tail
from policyd.cli.exits import FINE
from policyd.cli.options import AsJson, Data, ending
from policyd.cli.output import remark, say, say_json

_CODES = "0 done (no server may run), 2 refused, or the data folder cannot be used"
_EPOCH = 'policyd audit new-epoch --reason "the disk was lost; restored the copy of Sunday"'
_AFTER_EPOCH = """\

Give the new verifier key to the auditors, with the old log in {data}/epochs.
Limits per hour, day and month count from nothing in the new log."""
_AFTER_ROTATION = """\

Both keys sign from now on. Give the new verifier key to the auditors; once all of them use it:
  policyd audit retire-key"""

Guarding = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="What the log has published.  [POLICYD_GUARD]"),
]


def register(app: typer.Typer) -> None:
    """Give *app* the commands."""
    audit = typer.Typer(rich_markup_mode=None, no_args_is_help=False)
    audit.command("new-epoch", epilog=ending(_EPOCH, _CODES))(new_epoch)
    audit.command("rotate-key", epilog=ending("policyd audit rotate-key", _CODES))(rotate_key)
    audit.command("retire-key", epilog=ending("policyd audit retire-key", _CODES))(retire_key)
    audit.command("export", epilog=ending(export.EXAMPLE, export.CODES))(export.export)
    search.register(audit)
    fields.register(audit)
    show.register(audit)
    tail.register(audit)
    archive.register(audit)
    saved.register(audit)
    removal.register(audit)
    holds.register(audit)
    app.add_typer(
        audit,
        name="audit",
        help="Search, export, hold and prune the log; change its key.",
        epilog=ending("policyd audit new-epoch --help", _CODES),
    )


def new_epoch(
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is recorded for ever.")],
    data: Data = None,
    guard: Guarding = None,
    origin: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the new log; by default the next number."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Begin a new log where the old one is damaged or its key known."""
    from policyd.bootstrap import utc_now
    from policyd.ledger import offline
    from policyd.ledger.guard import Guard
    from policyd.settings import read_settings

    settings = read_settings(data=data, guard=guard)
    kept = Guard(settings.guard) if settings.guard else None
    made = offline.new_epoch(settings.data, kept, utc_now, reason=reason, origin=origin)
    size = made.previous.size if made.previous else None
    if as_json:
        say_json({"origin": made.origin, "vkey": made.vkey, "previous_size": size})
        return FINE
    say(f"new log       {made.origin}")
    say(f"goes on from  {'nothing that is known' if size is None else f'{size:,} records'}")
    say(f"verifier key  {made.vkey}", "bold")
    for line in _AFTER_EPOCH.format(data=settings.data).split("\n"):
        remark(line)
    return FINE


def rotate_key(*, data: Data = None, as_json: AsJson = False) -> int:
    """Give the log a new key; the old one goes on signing beside it."""
    from policyd.bootstrap import utc_now
    from policyd.ledger import offline
    from policyd.settings import read_settings

    vkey = offline.rotate_key(read_settings(data=data).data, utc_now)
    if as_json:
        say_json({"vkey": vkey})
        return FINE
    say(f"verifier key  {vkey}", "bold")
    for line in _AFTER_ROTATION.split("\n"):
        remark(line)
    return FINE


def retire_key(*, data: Data = None, as_json: AsJson = False) -> int:
    """End the older of two keys, once all verifiers have the newer."""
    from policyd.bootstrap import utc_now
    from policyd.ledger import offline
    from policyd.settings import read_settings

    vkey = offline.retire_key(read_settings(data=data).data, utc_now)
    if as_json:
        say_json({"retired": vkey})
        return FINE
    say(f"retired  {vkey}")
    return FINE
