"""`policyd audit erase` and `prune`: what is taken out of the log, and what is left."""

from typing import Annotated

import typer

from policyd.cli.exits import FINE
from policyd.cli.options import AsJson, ending
from policyd.cli.output import remark, say, say_json
from policyd.cli.reply import having
from policyd.cli.server import DEFAULT_URL, Server, Url

_CODES = "0 done, 2 refused (the key's role, or a hold), 3 no answer"
_ERASE = 'policyd audit erase --subject user:ida@company.example --reason "request 17" --dry-run'

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def register(audit: typer.Typer) -> None:
    """Give `policyd audit` the commands."""
    audit.command("erase", epilog=ending(_ERASE, _CODES))(erase)
    audit.command("prune", epilog=ending("policyd audit prune --dry-run", _CODES))(prune)


def erase(
    *,
    subject: Annotated[
        str, typer.Option(metavar="TYPE:ID", help="Whose, such as user:ida or address:10.0.0.4.")
    ],
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why; it is recorded for ever, so name nobody.")
    ],
    dry_run: DryRun = False,
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
) -> int:
    """Erase what is kept apart about somebody; the records stay. Only these values go."""
    asked = {"subject": subject, "reason": reason, "dry_run": dry_run}
    body = Server.at(url).ask("POST", "/v1/audit/erasures", asked).body
    done = having(("records", "disclosures", "first", "end", "acts"), body)
    if as_json:
        say_json(done)
        return FINE
    verb = "would be erased" if dry_run else "erased"
    say(f"{verb}  {done['disclosures']:,} values of {done['records']:,} records")
    if done["records"]:
        say(f"range   records {done['first']} to {done['end'] - 1}")
    for act in done["acts"]:
        say(f"record  {act}")
    if done["records"] and not dry_run:
        remark("Copies of the data folder made before this still have the values: end those too.")
    return FINE


def prune(*, dry_run: DryRun = False, url: Url = DEFAULT_URL, as_json: AsJson = False) -> int:
    """Remove the oldest records, as far as retention and holds let. Their hashes stay."""
    body = Server.at(url).ask("POST", "/v1/audit/prunings", {"dry_run": dry_run}).body
    done = having(("first", "end", "records", "kept_by", "act"), body)
    if as_json:
        say_json(done)
        return FINE
    verb = "would be pruned" if dry_run else "pruned"
    say(f"{verb}  {done['records']:,} records; the log begins at record {done['end']}")
    keeper = done["kept_by"]
    say(f"kept by  record {keeper['index']}: {keeper['why']}")
    if done["act"]:
        say(f"record   {done['act']}")
    return FINE
