"""`policyd audit show`, `hold`, `erase` and `prune`, over a running server."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.api.calls import ALLOWED
from tests.cli.program import Ended, Program, Stub
from tests.servers import Home, Server

IDA = "ida@company.example"
PERSONAL = {"POLICYD_PERSONAL": "address,on_behalf_of"}


@dataclass(frozen=True, slots=True)
class Office:
    """The program as an admin and as an auditor use it, and the id of a record about Ida."""

    program: Program
    server: Server
    auditor: str
    record: str

    def admin(self, *arguments: str) -> Ended:
        """One command with an admin's key."""
        return self._run(self.server.home.admin, *arguments)

    def audit(self, *arguments: str) -> Ended:
        """One command with an auditor's key."""
        return self._run(self.auditor, *arguments)

    def _run(self, key: str, *arguments: str) -> Ended:
        url = f"http://127.0.0.1:{self.server.port}"
        return self.program("audit", *arguments, POLICYD_URL=url, POLICYD_KEY=key)


@pytest.fixture
def office(policyd: Program) -> Iterator[Office]:
    """A server with a record about Ida."""
    with Server(Home.make(policyd.folder / "data"), variables=PERSONAL) as server:
        context = ALLOWED["context"] | {"on_behalf_of": [{"type": "user", "id": IDA}]}
        made = server.check(ALLOWED | {"context": context}, server.pep("sales"))
        auditor = server.make_key("auditor")["key"]
        yield Office(policyd, server, auditor, made.headers["x-decision-id"])


def test_from_a_hold_to_an_erasure(office: Office) -> None:
    """Shown, held, refused, released, counted, erased, and told as erased."""
    shown = office.audit("show", office.record)
    assert shown.code == 0
    assert f'disclosed  call.on_behalf_of: [{{"id": "{IDA}", "type": "user"}}]' in shown.out
    hidden = office.admin("show", office.record).out
    assert "hidden     call.on_behalf_of, caller.address: for auditors" in hidden
    assert IDA not in hidden

    placed = office.admin("hold", "add", "case-17", "--unit", "sales", "--reason", "the court")
    assert placed.out == "placed  case-17, on unit sales\n"
    who = ("--subject", f"user:{IDA}")
    refused = office.admin("erase", *who, "--reason", "request 17")
    assert (refused.code, "under the hold `case-17`" in refused.err) == (2, True)
    assert office.admin("hold", "release", "case-17", "--reason", "x").code == 2
    released = office.audit("hold", "release", "case-17", "--reason", "the case is closed")
    assert released.out == "released  case-17, on unit sales\n"
    listed = office.admin("hold", "list").out
    assert "case-17  unit sales" in listed
    assert "released by record" in listed

    assert office.admin("erase", *who).code == 2
    counted = office.admin("erase", *who, "--reason", "request 17", "--dry-run")
    assert counted.out.startswith("would be erased  2 values of 1 records\n")
    done = office.admin("erase", *who, "--reason", "request 17", "--json").json()
    assert (done["records"], done["disclosures"]) == (1, 2)
    assert "erased     address, on_behalf_of: by record" in office.audit("show", office.record).out
    again = office.admin("erase", *who, "--reason", "request 17")
    assert again.out == "erased  0 values of 0 records\n"


def test_erasing_says_what_else_to_think_of(office: Office) -> None:
    """After an erasure, copies of the data folder are the operator's to end."""
    done = office.admin("erase", "--subject", f"user:{IDA}", "--reason", "request 17")
    assert "erased  2 values of 1 records" in done.out
    assert "Copies of the data folder" in done.err


def test_pruning_says_what_keeps_the_log(office: Office) -> None:
    """Nothing is pruned where no days are set, and the answer says which record keeps it."""
    for options in (("--dry-run",), ()):
        done = office.admin("prune", *options)
        assert done.code == 0
        assert "pruned  0 records; the log begins at record 0" in done.out
        assert "kept by  record 1: records of kind `admin` are kept for ever" in done.out
    assert office.admin("prune", "--json").json()["kept_by"]["index"] == 1
    assert office.admin("hold", "list", "--json").json() == {"holds": []}


@pytest.mark.parametrize(
    "command",
    [
        ("erase", "--subject", "user:x", "--reason", "x"),
        ("prune",),
        ("show", "x"),
        ("hold", "list"),
        ("hold", "add", "x", "--unit", "hr", "--reason", "x"),
        ("hold", "release", "x", "--reason", "x"),
    ],
    ids=" ".join,
)
def test_an_answer_that_cannot_be_read(
    policyd: Program, stub: Stub, command: tuple[str, ...]
) -> None:
    """A server that answers something else is no answer."""
    stub.gives(200, {})
    ended = policyd("audit", *command, POLICYD_URL=stub.url, POLICYD_KEY="pd_x")
    assert (ended.code, "[answer-unreadable]" in ended.err) == (3, True)


def test_a_pruning_that_was_done(policyd: Program, stub: Stub) -> None:
    """The record of the act is named."""
    keeper = {"index": 700, "kind": "query", "why": "it is of today"}
    done = {"first": 0, "end": 512, "records": 512, "kept_by": keeper, "act": "the-id"}
    stub.gives(200, done)
    ended = policyd("audit", "prune", POLICYD_URL=stub.url, POLICYD_KEY="pd_x")
    assert ended.out == (
        "pruned  512 records; the log begins at record 512\n"
        "kept by  record 700: it is of today\n"
        "record   the-id\n"
    )
    assert stub.asked[0][2] == {"dry_run": False}
