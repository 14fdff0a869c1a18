"""`policyd audit tail`: records of a running server as they are written."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from policyd.cli.exits import FAILED, FINE
from policyd.cli.options import ending
from policyd.cli.output import remark, say
from policyd.cli.pointing import point
from policyd.cli.reply import having
from policyd.cli.search import Words
from policyd.cli.server import DEFAULT_URL, Refused, Server, Unanswered, Url
from policyd.forms import cloudevents
from policyd.forms.entry import Entry
from policyd.model.errors import UsageError

_PATH = "/v1/audit/tail"
_EXAMPLE = """\
policyd audit tail
policyd audit tail --follow decision:deny
policyd audit tail --follow --from 4711 --format cloudevents"""
_CODES = "0 done, 1 done, but some records are lost, 2 refused, 3 no answer (with --follow: waits)"
_SHOWN = 20  # records without --from
_LOOK_S, _AWAY_S = 1.0, 2.0  # between two askings, and where nobody answers
_NOW = "now"


class Format(StrEnum):
    """How records are shown."""

    TABLE = "table"
    JSON = "json"
    CLOUDEVENTS = "cloudevents"


def register(audit: typer.Typer) -> None:
    """Give `policyd audit` the command."""
    audit.command("tail", epilog=ending(_EXAMPLE, _CODES))(tail)


def tail(
    words: Words = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="INDEX|now", help="The first record to look at, or none before now."
        ),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How they are shown.")] = Format.TABLE,
    url: Url = DEFAULT_URL,
) -> int:
    """Show the newest records, and with -f those to come. It is recorded that you look."""
    server = Server.at(url)
    show = _shower(form, server)
    watch = _Watch(server, " ".join(words or ()), follow=follow)
    has_lost = False
    try:
        for news in watch.news(_cursor(start, watch)):
            for each in news["records"]:
                show(each)
            sys.stdout.flush()
            for lost in news.get("lost", ()):
                has_lost = True
                told = f"LOST  records {lost['first']} to {lost['end'] - 1} cannot be read"
                remark(told, "bold red")
    except KeyboardInterrupt:
        remark(f"go on with --from {watch.cursor + 1}")
        raise
    return FAILED if has_lost else FINE


class _Watch:
    """Asks a server for what is new, and goes on after it was away.

    Attributes:
        cursor: The number of the last record that was shown, or looked at.
    """

    def __init__(self, server: Server, query: str, *, follow: bool) -> None:
        self.cursor = -1
        self._server = server
        self._query = query
        self._follow = follow

    def news(self, cursor: int) -> Iterator[dict[str, Any]]:
        """What the server has behind that record, page by page; without end if it is followed."""
        self.cursor = cursor
        while True:
            news = self._ask_on()
            yield news
            # What was not shown to the end is asked for again.
            self.cursor = news["cursor"]
            if news.get("more"):
                continue
            if not self._follow:
                return
            time.sleep(_LOOK_S)

    def end(self) -> int:
        """The number of the last record there is."""
        return int(self._ask(None)["cursor"])

    def _ask_on(self) -> dict[str, Any]:
        is_away = False
        while True:
            try:
                news = self._ask(self.cursor)
            except Unanswered as trouble:
                if not self._follow:
                    raise
                if not is_away:
                    remark(f"{trouble.message}; trying again [{trouble.code}]", "yellow")
                is_away = True
                time.sleep(_AWAY_S)
                continue
            if is_away:
                remark(f"answers again; going on behind record {self.cursor}")
            return news

    def _ask(self, cursor: int | None) -> dict[str, Any]:
        asked = {"q": self._query or None, "cursor": cursor}
        given = urlencode({name: value for name, value in asked.items() if value is not None})
        try:
            body = self._server.ask("GET", f"{_PATH}?{given}").body
        except Refused as refused:
            if refused.place:
                point(self._query, *refused.place)
            raise
        return having(("records", "cursor"), body)


def _cursor(start: str | None, watch: _Watch) -> int:
    """The number of the record behind which to begin."""
    if start is None:
        return max(-1, watch.end() - _SHOWN)
    if start == _NOW:
        return watch.end()
    if not start.isdecimal():
        raise UsageError(
            f"--from cannot be `{start[:80]}`: give the number of a record, or now",
            code="start-invalid",
        )
    return int(start) - 1


def _shower(form: Format, server: Server) -> Callable[[Mapping[str, Any]], None]:
    """What shows a record in that format."""
    if form is Format.TABLE:
        return lambda shown: say(_line(shown), _STYLES.get(shown["record"].get("decision"), ""))
    if form is Format.JSON:
        return lambda shown: print(json.dumps(shown))  # noqa: T201 - rich would wrap it
    described = server.ask("GET", "/.well-known/policyd-audit").body
    origin = str(having(("origin",), described)["origin"])

    def show(shown: Mapping[str, Any]) -> None:
        # A record has one spelling, so these are its very bytes.
        leaf = json.dumps(
            shown["record"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
        sys.stdout.buffer.write(cloudevents.event(Entry.of(origin, shown["index"], leaf)) + b"\n")

    return show


_STYLES = {"deny": "red", "allow": "green"}
_TO_THE_SECOND = len("2026-01-01T00:00:00")


def _line(shown: Mapping[str, Any]) -> str:
    """A record on one line: its number, time and kind, and what it is about."""
    record = shown["record"]
    call = record.get("call", {})
    place = call.get("destination", {})
    to = place.get("name") or place.get("canonical") or place.get("sent")
    codes = [each["code"] for each in record.get("reasons", ())]
    what = (
        record["decision"] if record["kind"] == "decision" else "",
        "would be denied" if "would" in record else "",
        *(call.get(each, "") for each in ("subject", "action", "dataset")),
        f"to {to}" if to else "",
        *(str(record[each]) for each in ("status", "act", "target", "text") if each in record),
        ", ".join(codes),
    )
    head = f"{shown['index']:>7}  {record['ts'][:_TO_THE_SECOND]}Z  {record['kind']:<13}"
    return "  ".join([head, *filter(None, what)])
