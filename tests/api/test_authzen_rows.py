"""AuthZEN 1.0 by its demands on a server: one case for each, all but those of search.

The numbers are those of the project's checklist of the standard (sections in brackets); 13 to 15
are about search. What the standard's certification scenario asks is in `test_scenario.py`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.api.calls import ALLOWED, DENIED, TOKENISED, Call, including
from tests.servers import EVALUATION, EVALUATIONS, JSON, Answer, Home, Server, bearer, encode

URL = "https://policyd.example:8443/eu"
WELL_KNOWN = "/.well-known/authzen-configuration/eu"
YES: Call = {"decision": True}
NO: Call = {"decision": False}
BOTH = (EVALUATION, EVALUATIONS)


class Point:
    """A decision point, as a PEP with a key knows it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._key = server.pep("sales")

    def ask(self, body: object, path: str = EVALUATION, **headers: str) -> Answer:
        """The answer to *body*: bytes as they are, all else as JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = body if isinstance(body, bytes) else encode(body)
        return self.server.send("POST", path, sent, JSON | bearer(self._key) | named)

    def batch(self, *items: object, **top: object) -> Any:  # noqa: ANN401 - JSON is any of its types
        """The body of the answer to a batch."""
        answer = self.ask({"evaluations": items} | top, EVALUATIONS)
        assert answer.status == 200
        return answer.json()


@pytest.fixture(scope="module")
def point(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Point]:
    """A decision point that knows its address."""
    home = Home.make(tmp_path_factory.mktemp("authzen") / "data")
    with Server(home, variables={"POLICYD_PUBLIC_URL": URL}) as server:
        yield Point(server)


def without(*parts: str) -> Call:
    """The good check without some of its members."""
    return {name: part for name, part in ALLOWED.items() if name not in parts}


def row_1_json_is_posted(point: Point) -> None:
    """POST only; JSON in and out, also with a charset (10.1)."""
    for path in BOTH:
        for content_type in ("application/json", "application/json; charset=utf-8"):
            answer = point.ask(ALLOWED, path, Content_Type=content_type)
            assert (answer.status, answer.json()) == (200, YES)
            assert answer.headers["content-type"] == "application/json"
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            assert point.server.send(method, path).status == 405


def row_2_a_decision_is_no_error(point: Point) -> None:
    """Allow and deny are both 200 (10.1.2)."""
    for path in BOTH:
        assert [point.ask(each, path).status for each in (ALLOWED, DENIED)] == [200, 200]


ILL_FORMED: list[object] = [
    *(without(part) for part in ("subject", "action", "resource")),
    *(
        ALLOWED | {part: {k: v for k, v in ALLOWED[part].items() if k != member}}
        for part, member in (("subject", "type"), ("subject", "id"), ("action", "name"))
    ),
    *(
        ALLOWED | {"resource": {k: v for k, v in ALLOWED["resource"].items() if k != member}}
        for member in ("type", "id")
    ),
    ALLOWED | {"subject": "alice"},
    ALLOWED | {"action": {"name": 123}},
    ALLOWED | {"context": "now"},
    [ALLOWED],
    b"",
    b"{",
]


def row_3_what_is_ill_formed_is_400(point: Point) -> None:
    """400 for what is missing, of the wrong type, no JSON, or an unknown semantic (10.1.1)."""
    for path in BOTH:
        assert {point.ask(each, path).status for each in ILL_FORMED} == {400}
        assert point.ask(ALLOWED, path, Content_Type="text/plain").status == 400
    odd = {"evaluations": [ALLOWED], "options": {"evaluations_semantic": "all"}}
    assert point.ask(odd, EVALUATIONS).status == 400


def row_4_unknown_members_are_ignored(point: Point) -> None:
    """At the top, in each entity and in each item (10.1.1)."""
    odd = {name: part | {"future": {"nested": [None]}} for name, part in ALLOWED.items()}
    for path in BOTH:
        assert point.ask(odd | {"future": 1}, path).json() == YES
    assert point.batch(odd | {"future": 1}, future=2) == {"evaluations": [YES]}


def row_5_context_is_optional(point: Point) -> None:
    """A request without context is evaluated (6.1)."""
    for path in BOTH:
        answer = point.ask(without("context"), path)
        assert (answer.status, answer.json()) == (200, NO)


def row_6_the_request_id_comes_back(point: Point) -> None:
    """Unchanged, with errors too; none is needed (10.1.3)."""
    for path in BOTH:
        for body, status in ((ALLOWED, 200), (b"{", 400)):
            answer = point.ask(body, path, X_Request_ID="bfe9eb29-ab87-4ca3-be83-a1d5d8305716")
            assert answer.status == status
            assert answer.headers["x-request-id"] == "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"
        assert point.ask(ALLOWED, path).status == 200


def row_7_decisions_are_boolean(point: Point) -> None:
    """`decision` is true or false, and `context` an object if it is there (5.5)."""
    for asked in (ALLOWED, DENIED, TOKENISED, including(DENIED, "reasons", "destination")):
        told = point.ask(asked).json()
        assert type(told["decision"]) is bool
        assert type(told.get("context", {})) is dict


def row_8_a_batch_without_items_is_one_check(point: Point) -> None:
    """Absent or empty `evaluations` are answered like a single check (7.1)."""
    nothing: list[Call] = [{}, {"evaluations": []}]
    for more in nothing:
        for asked in (ALLOWED, DENIED):
            assert point.ask(asked | more, EVALUATIONS).body == point.ask(asked).body


def row_9_defaults_are_whole_entities(point: Point) -> None:
    """What an item has replaces the whole default; nothing below it is merged (7.1.1)."""
    own = {"type": "dataset", "id": "payroll/payslips"}
    top = without("evaluations")
    assert point.batch({}, {"resource": own}, **top) == {"evaluations": [YES, NO]}
    (broken,) = point.batch({"resource": {"type": "dataset"}}, **top)["evaluations"]
    assert broken["decision"] is False
    assert "`id`" in broken["context"]["error"]["message"]


def row_10_an_item_in_error_is_a_denial(point: Point) -> None:
    """The others are not affected (7.2.1)."""
    first, broken, last = point.batch(ALLOWED, without("subject"), ALLOWED)["evaluations"]
    assert (first, last) == (YES, YES)
    assert (broken["decision"], broken["context"]["error"]["status"]) == (False, 400)


def row_11_semantics_end_a_batch(point: Point) -> None:
    """Length and order of the request; the two short ones end with what triggers them (7.1.2)."""
    items = (ALLOWED, DENIED, ALLOWED)

    def asked(**options: str) -> list[Any]:
        told = point.batch(*items, **({"options": options} if options else {}))
        decisions: list[Any] = told["evaluations"]
        return decisions

    assert asked() == asked(evaluations_semantic="execute_all") == [YES, NO, YES]
    assert asked(evaluations_semantic="deny_on_first_deny") == [YES, NO]
    assert asked(evaluations_semantic="permit_on_first_permit") == [YES]


def row_12_a_batch_has_no_decision_of_its_own(point: Point) -> None:
    """No `decision` stands beside `evaluations` (7.2)."""
    assert point.batch(ALLOWED).keys() == {"evaluations"}


def row_16_metadata_names_the_point(point: Point) -> None:
    """At its place, https, with the identifier as it is used, nothing null or empty (9)."""
    answer = point.server.get(WELL_KNOWN)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    told = answer.json()
    assert told["policy_decision_point"] == URL
    assert told["access_evaluation_endpoint"] == URL + EVALUATION
    assert told["access_evaluations_endpoint"] == URL + EVALUATIONS
    assert all(value.startswith("https://") for value in told.values())


def row_17_strangers_are_told_how_to_present_a_key(point: Point) -> None:
    """401 with a challenge for no key and for a bad one (11.3)."""
    for path in BOTH:
        for authorization in ("", "Bearer nobody", "Basic bm9ib2R5Og=="):
            headers = JSON | ({"Authorization": authorization} if authorization else {})
            answer = point.server.send("POST", path, encode(ALLOWED), headers)
            assert answer.status == 401
            assert answer.headers["www-authenticate"].startswith("Bearer ")


def row_18_the_same_request_has_the_same_answer(point: Point) -> None:
    """The whole body, three times, of checks and of batches."""
    batch = {"evaluations": [ALLOWED, including(DENIED, "reasons"), TOKENISED, {}]}
    for path, asked in ((EVALUATION, including(DENIED, "reasons")), (EVALUATIONS, batch)):
        assert len({point.ask(asked, path).body for _ in range(3)}) == 1


def row_19_properties_take_part(point: Point) -> None:
    """Those of the resource and of the action do; what a subject says of itself never grants."""
    about = ALLOWED["resource"] | {"properties": {"fields": ["segment"], "labels": ["payment"]}}
    assert point.ask(ALLOWED | {"resource": about}).json() == NO
    fields = ALLOWED["resource"] | {"properties": {"fields": ["no_such_field"]}}
    assert point.ask(ALLOWED | {"resource": fields}).json() == NO
    about = {"type": "dataset", "id": "erp/sales-orders", "properties": {"fields": ["order_no"]}}
    orders = including(ALLOWED | {"resource": about}, "reasons")
    for rows, allow in ((20, True), (2**50, False)):
        action = ALLOWED["action"] | {"properties": {"rows": rows}}
        told = point.ask(orders | {"action": action}).json()
        assert told["decision"] is allow, told
    claims = {"properties": {"role": "admin", "unit": "hr"}}
    assert point.ask(DENIED | {"subject": DENIED["subject"] | claims}).json() == NO


def row_20_paths_have_their_version(point: Point) -> None:
    """Every endpoint that the metadata names has `v1` in its path (4)."""
    told = point.server.get(WELL_KNOWN).json()
    endpoints = [value for name, value in told.items() if name.endswith("_endpoint")]
    assert endpoints
    assert all("/v1/" in each for each in endpoints)


ROWS = [row for name, row in sorted(globals().items()) if name.startswith("row_")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
def test_rows(point: Point, row: Callable[[Point], None]) -> None:
    """The server does what the row of the checklist demands."""
    row(point)


def test_no_row_is_left_out() -> None:
    """Each row has its case, but those of search."""
    numbers = {int(row.__name__.split("_")[1]) for row in ROWS}
    assert numbers == set(range(1, 21)) - {13, 14, 15}
