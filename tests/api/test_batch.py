"""Batches over HTTP: defaults, the three semantics, items in error, and their records."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from policyd.api.batch import MAX_INHERITED, MAX_ITEMS
from tests.api.calls import ALLOWED, DENIED, TOKENISED, Call, call, including
from tests.servers import EVALUATION, EVALUATIONS, JSON, Home, Server, bearer, encode

if TYPE_CHECKING:
    from tests.api.conftest import Start
    from tests.servers import Answer

BROKEN: Call = {"subject": ALLOWED["subject"], "action": {"name": 7}}
FOREIGN = call("hr/pay-run", "read", "hris/headcount", endpoint="hris/api", method="GET")
YES: dict[str, Any] = {"decision": True}
NO: dict[str, Any] = {"decision": False}


def ask(server: Server, body: object, key: str, **headers: str) -> "Answer":
    """The answer to a batch."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.send("POST", EVALUATIONS, encode(body), JSON | bearer(key) | named)


def batch(*items: object, semantic: str | None = None) -> dict[str, Any]:
    """A batch of *items*, each whole in itself."""
    options = {"options": {"evaluations_semantic": semantic}} if semantic else {}
    return {"evaluations": list(items)} | options


def records_of(server: Server, answer: "Answer") -> list[dict[str, Any]]:
    """The records of a batch, in the order of the log."""
    batch_id = answer.headers["x-decision-id"]
    records = server.home.records("decision")
    return [each for each in records if each["id"].startswith(f"{batch_id}/")]


@pytest.mark.parametrize("more", [{}, {"evaluations": []}, {"evaluations": None}])
def test_a_batch_without_items_is_one_check(server: Server, pep: str, more: dict[str, Any]) -> None:
    """Without items the answer is that of a single check, and so is the record."""
    for asked in (ALLOWED, TOKENISED, including(DENIED, "reasons")):
        answer = ask(server, asked | more, pep)
        assert answer.body == server.check(asked, pep).body
        assert records_of(server, answer) == []
        (record,) = server.home.records("decision")[-2:-1]
        assert record["id"] == answer.headers["x-decision-id"]


def test_every_item_is_answered_in_order(server: Server, pep: str) -> None:
    """Each item gets what it would get alone, in its place; there is no decision of the whole."""
    answer = ask(server, batch(ALLOWED, DENIED, TOKENISED, DENIED), pep)
    alone = [server.check(each, pep).json() for each in (ALLOWED, DENIED, TOKENISED, DENIED)]
    assert (answer.status, answer.json()) == (200, {"evaluations": alone})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("semantic", "items", "decisions"),
    [
        (None, [DENIED, ALLOWED], [False, True]),
        ("execute_all", [ALLOWED, DENIED, BROKEN, ALLOWED], [True, False, False, True]),
        ("deny_on_first_deny", [ALLOWED, DENIED, ALLOWED], [True, False]),
        ("deny_on_first_deny", [ALLOWED, BROKEN, ALLOWED], [True, False]),
        ("deny_on_first_deny", [DENIED, ALLOWED], [False]),
        ("deny_on_first_deny", [ALLOWED, ALLOWED], [True, True]),
        ("permit_on_first_permit", [DENIED, ALLOWED, DENIED], [False, True]),
        ("permit_on_first_permit", [BROKEN, DENIED, ALLOWED, DENIED], [False, False, True]),
        ("permit_on_first_permit", [DENIED, DENIED], [False, False]),
    ],
)
def test_semantics(
    server: Server, pep: str, semantic: str | None, items: list[Call], decisions: list[bool]
) -> None:
    """A batch ends right after the item that its semantic stops at, and so does the answer."""
    answer = ask(server, batch(*items, semantic=semantic), pep).json()
    assert [each["decision"] for each in answer["evaluations"]] == decisions


def test_what_was_skipped_is_a_record(server: Server, pep: str) -> None:
    """Every item is a record `id/index`; behind the stop it says that nothing was evaluated."""
    asked = batch(ALLOWED, BROKEN, ALLOWED, DENIED, semantic="deny_on_first_deny")
    answer = ask(server, asked, pep)
    records = records_of(server, answer)
    batch_id = answer.headers["x-decision-id"]
    assert [each["id"] for each in records] == [f"{batch_id}/{at}" for at in range(4)]
    assert [each["decision"] for each in records] == ["allow", "deny", "deny", "deny"]
    codes = [[reason["code"] for reason in each["reasons"]] for each in records]
    assert codes == [[], ["item-malformed"], ["not-evaluated"], ["not-evaluated"]]
    assert len({each["ts"] for each in records}) == 1
    assert len({each["nonce"] for each in records}) == 4


def test_items_inherit_whole_entities(server: Server, pep: str) -> None:
    """What an item lacks it takes from the top, entity by entity."""
    asked = ALLOWED | {"evaluations": [{}, {"resource": DENIED["resource"]}, {"extra": 1}]}
    answer = ask(server, asked, pep).json()
    assert [each["decision"] for each in answer["evaluations"]] == [True, False, True]


@pytest.mark.parametrize("part", ["subject", "action", "resource", "context"])
def test_an_item_overrides_whole_entities(server: Server, pep: str, part: str) -> None:
    """An item's own entity replaces the default; their members are never mixed."""
    asked = including(ALLOWED, "reasons")
    partly: dict[str, object] = {
        "subject": {"id": ALLOWED["subject"]["id"]},
        "action": {"properties": {"rows": 1}},
        "resource": {"type": "dataset"},
        "context": {"method": "POST", "policyd": {"include": ["reasons"]}},
    }
    answer = ask(server, asked | {"evaluations": [{}, {part: partly[part]}]}, pep).json()
    whole, mixed = answer["evaluations"]
    assert (whole["decision"], mixed["decision"]) == (True, False)
    if part == "context":
        reasons = {each["code"] for each in mixed["context"]["reasons"]}
        assert "call-incomplete" in reasons
    else:
        assert mixed["context"]["error"]["status"] == 400


def test_defaults_that_nobody_takes(server: Server, pep: str) -> None:
    """A default that no item inherits need not be whole, nor of its type."""
    asked = {"subject": "nobody", "action": {}, "resource": {}} | batch(ALLOWED)
    assert ask(server, asked, pep).json() == {"evaluations": [YES]}


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({}, "`subject`"),
        (BROKEN, "`action.name`: expected `str`"),
        ({**ALLOWED, "resource": {"type": "dataset"}}, "`id`"),
        ({**ALLOWED, "subject": "sales/customers-to-crm"}, "`subject`: expected `object`"),
        ({**ALLOWED, "subject": {"type": "integration", "id": ""}}, "`subject.id`"),
        ({**ALLOWED, "context": []}, "`context`: expected"),
        ({**ALLOWED, "action": {"name": "se\0nd"}}, "control character"),
        ({**ALLOWED, "action": {"name": "x" * 5000}}, "of at most 4096"),
    ],
)
def test_an_item_in_error(server: Server, pep: str, item: Mapping[str, object], said: str) -> None:
    """A broken item is a deny that names its fault; the others are not affected."""
    first, broken, last = ask(server, batch(ALLOWED, item, ALLOWED), pep).json()["evaluations"]
    assert (first, last) == (YES, YES)
    assert broken["decision"] is False
    assert broken["context"]["error"]["status"] == 400
    assert said in broken["context"]["error"]["message"]
    assert set(broken["context"]) == {"error"}


@pytest.mark.parametrize(
    ("body", "said", "code"),
    [
        ({"evaluations": {}}, "`evaluations`: expected `array`", "call-malformed"),
        ({"evaluations": "all"}, "`evaluations`: expected `array`", "call-malformed"),
        (batch(ALLOWED, "x"), "`evaluations[1]`: expected `object`", "call-malformed"),
        (batch(None), "`evaluations[0]`: expected `object`", "call-malformed"),
        ([ALLOWED], "`the body`: expected `object`", "call-malformed"),
        ({}, "`subject`", "call-malformed"),
        (batch(ALLOWED, semantic="first_wins"), "permit_on_first_permit", "call-malformed"),
        (batch(ALLOWED) | {"options": {"evaluations_semantic": 1}}, "one of", "call-malformed"),
        (batch(ALLOWED) | {"options": []}, "`options`: expected", "call-malformed"),
        (batch(*[ALLOWED] * (MAX_ITEMS + 1)), "at most 200 items, not 201", "call-too-large"),
        (
            {"context": {"x": "x" * (MAX_INHERITED // MAX_ITEMS)}} | batch(*[ALLOWED] * MAX_ITEMS),
            "defaults",
            "call-too-large",
        ),
    ],
)
def test_a_batch_that_is_refused(
    server: Server, pep: str, body: object, said: str, code: str
) -> None:
    """What is wrong with the batch itself is 400 for all of it, and nothing is decided."""
    before = len(server.home.records("decision"))
    answer = ask(server, body, pep)
    assert (answer.status, answer.code) == (400, code)
    assert said in answer.json()["detail"]
    assert len(server.home.records("decision")) == before


def test_the_largest_batch(server: Server, pep: str) -> None:
    """200 items are answered and recorded as one."""
    answer = ask(server, batch(*[ALLOWED, DENIED] * (MAX_ITEMS // 2)), pep)
    assert answer.json() == {"evaluations": [YES, NO] * (MAX_ITEMS // 2)}
    assert len(records_of(server, answer)) == MAX_ITEMS


@pytest.mark.parametrize("semantic", ["execute_all", "permit_on_first_permit"])
def test_a_foreign_item_refuses_all(server: Server, semantic: str) -> None:
    """One item for which the key may not speak, even behind a stop, is 403 for the whole batch."""
    key = server.pep("sales")
    before = len(server.home.records("decision"))
    answer = ask(server, batch(ALLOWED, FOREIGN, semantic=semantic), key)
    assert (answer.status, answer.code) == (403, "key-out-of-scope")
    assert len(server.home.records("decision")) == before


@pytest.mark.parametrize("items", [[ALLOWED], [BROKEN], [ALLOWED, BROKEN]])
def test_a_reader_asks_no_batch(server: Server, items: list[Call]) -> None:
    """A key without the role pep gets 403 and no record, also if no item can be read."""
    before = len(server.home.records("decision"))
    answer = ask(server, batch(*items), server.make_key("auditor")["key"])
    assert (answer.status, answer.code) == (403, "forbidden")
    assert len(server.home.records("decision")) == before


@pytest.mark.parametrize("semantic", ["execute_all", "deny_on_first_deny"])
def test_the_same_batch_has_the_same_answer(server: Server, pep: str, semantic: str) -> None:
    """Three times the same body, byte for byte, under three ids."""
    asked = batch(TOKENISED, including(DENIED, "reasons"), BROKEN, semantic=semantic)
    answers = [ask(server, asked, pep) for _ in range(3)]
    assert len({each.body for each in answers}) == 1
    assert len({each.headers["x-decision-id"] for each in answers}) == 3


@pytest.mark.parametrize(
    ("body", "status"), [(batch(ALLOWED), 200), ({"evaluations": 1}, 400), (batch(FOREIGN), 403)]
)
def test_the_request_id_comes_back(server: Server, body: object, status: int) -> None:
    """A batch's own id is in its answer, whatever the answer is, and in each record."""
    answer = ask(server, body, server.pep("sales"), X_Request_ID="run 12")
    assert (answer.status, answer.headers["x-request-id"]) == (status, "run 12")
    if status == 200:
        assert {each["call"]["request_id"] for each in records_of(server, answer)} == {"run 12"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nobody"}])
def test_a_batch_of_a_stranger(server: Server, headers: dict[str, str]) -> None:
    """Without a good key a batch is 401 with a challenge, be it well-formed or not."""
    for body in (encode(batch(ALLOWED)), b"{"):
        answer = server.send("POST", EVALUATIONS, body, JSON | headers)
        assert (answer.status, answer.code) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_a_batch_is_posted(server: Server, pep: str) -> None:
    """Any other method gets 405 and is told the right one."""
    answer = server.send("GET", EVALUATIONS, headers=bearer(pep))
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


def test_no_room_for_all_is_no_answer(home: Home) -> None:
    """If the records of all items find no room, all of them get 503, and none is recorded."""
    with Server(home, variables={"POLICYD_QUEUE_RECORDS": "3"}) as server:
        key = server.pep("sales")
        answer = ask(server, batch(*[ALLOWED] * 4), key)
        assert (answer.status, answer.code) == (503, "audit-unavailable")
        assert "retry-after" in answer.headers
        assert "x-decision-id" not in answer.headers
        assert home.records("decision") == []
        assert ask(server, batch(*[ALLOWED] * 3), key).json() == {"evaluations": [YES] * 3}


def test_batches_stay_together(start: "Start") -> None:
    """Records of one batch stand next to each other, whatever else is asked at the same time."""
    server = start()
    key = server.pep("sales")
    askers = [
        threading.Thread(target=ask, args=(server, batch(*[ALLOWED] * 20), key)) for _ in range(8)
    ]
    for each in askers:
        each.start()
    for each in askers:
        each.join()
    assert server.stop() == 0
    ids = [each["id"].partition("/") for each in server.home.records("decision")]
    assert [int(index) for _, _, index in ids] == list(range(20)) * 8
    assert len({batch_id for batch_id, _, _ in ids}) == 8
    assert server.home.verify().returncode == 0


def test_single_checks_take_no_batch(server: Server, pep: str) -> None:
    """The path of single checks ignores `evaluations`, as any member it does not know."""
    asked = ALLOWED | batch(DENIED)
    assert server.send("POST", EVALUATION, encode(asked), JSON | bearer(pep)).json() == YES
