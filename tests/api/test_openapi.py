"""The interface description against the interface: what is answered is what is written down."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
import pytest

from policyd.api.batch import MAX_ITEMS, STOPS
from policyd.api.wire import CheckRequest
from tests.api.bad_checks import BODIES, STRANGERS, Bad
from tests.api.calls import ALLOWED, DENIED, TOKENISED, Call, call, including
from tests.servers import EVALUATION, EVALUATIONS, JSON, Server, bearer, encode

if TYPE_CHECKING:
    from tests.servers import Answer

Description = dict[str, Any]
INCLUDED = ("reasons", "destination", "valid-until", "receipt")
CHECKS: list[Call] = [
    ALLOWED,
    TOKENISED,
    DENIED,
    including(ALLOWED, *INCLUDED),
    including(TOKENISED, *INCLUDED),
    including(DENIED, *INCLUDED),
    call("nobody/nothing", "teleport", "no/where"),
]
BROKEN: Call = {"subject": ALLOWED["subject"]}
BATCHES: list[Call] = [
    ALLOWED,
    {"evaluations": CHECKS},
    {"evaluations": [*CHECKS, BROKEN]},
    ALLOWED | {"evaluations": [{}, DENIED], "options": {"evaluations_semantic": [*STOPS][1]}},
    including(DENIED, *INCLUDED) | {"evaluations": []},
]


@pytest.fixture(scope="module")
def described(server: Server) -> Description:
    """What `/openapi.json` says."""
    told: Description = server.get("/openapi.json").json()
    return told


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    """A key that may see everything of any call."""
    secret: str = server.make_key("pep", "auditor", units=["sales", "nobody"])["key"]
    return secret


def check_shape(described: Description, shape: Mapping[str, Any], value: object) -> None:
    """Nothing, if *value* has that *shape* of the description."""
    whole = dict(shape) | {"components": described["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def check_answer(described: Description, path: str, answer: "Answer") -> None:
    """Nothing, if the *answer* is one that the description has for *path*."""
    told = described["paths"][path]["post"]["responses"][str(answer.status)]
    (content_type,) = told["content"]
    assert answer.headers["content-type"] == content_type
    check_shape(described, told["content"][content_type]["schema"], answer.json())
    assert ("x-decision-id" in answer.headers) == ("X-Decision-ID" in told.get("headers", {}))


@pytest.mark.parametrize(
    ("path", "asked"),
    [*((EVALUATION, each) for each in CHECKS), *((EVALUATIONS, each) for each in BATCHES)],
)
def test_checks_are_as_described(
    server: Server, key: str, described: Description, path: str, asked: Call
) -> None:
    """Request and answer of a check have the described shapes, with no member beyond them."""
    body = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    check_shape(described, body["schema"], asked)
    answer = server.send("POST", path, encode(asked), JSON | bearer(key))
    assert answer.status == 200
    check_answer(described, path, answer)


@pytest.mark.parametrize("path", [EVALUATION, EVALUATIONS])
@pytest.mark.parametrize("bad", [*BODIES[::4], *STRANGERS[::4]], ids=str)
def test_refusals_are_as_described(
    server: Server, key: str, described: Description, path: str, bad: Bad
) -> None:
    """Each refusal has a described status, and the shape of a problem."""
    headers = {**JSON, "Authorization": "Bearer {key}", **bad.headers}
    filled = {name: value.format(key=key) for name, value in headers.items() if value}
    answer = server.send("POST", path, bad.body, filled)
    assert answer.status >= 400
    check_answer(described, path, answer)


def test_a_method_that_is_not_described(server: Server, key: str, described: Description) -> None:
    """405 is described too, and is a problem."""
    for path in (EVALUATION, EVALUATIONS):
        check_answer(described, path, server.get(path, key))


def test_the_description_is_what_is_read(described: Description) -> None:
    """A check's members are described from the very types that read them."""
    _, parts = msgspec.json.schema_components(
        (CheckRequest,), ref_template="#/components/schemas/{name}"
    )
    shapes = described["components"]["schemas"]
    assert {name: shapes[name] for name in parts} == parts
    batch = shapes["BatchRequest"]["properties"]
    assert set(parts["CheckRequest"]["properties"]) | {"evaluations", "options"} == set(batch)
    assert batch["evaluations"]["maxItems"] == MAX_ITEMS


@pytest.mark.parametrize("semantic", [*STOPS, "other"])
def test_described_semantics_are_taken(
    server: Server, key: str, described: Description, semantic: str
) -> None:
    """A semantic is taken exactly if it is described."""
    asked = {"evaluations": [ALLOWED], "options": {"evaluations_semantic": semantic}}
    answer = server.send("POST", EVALUATIONS, encode(asked), JSON | bearer(key))
    shape = described["components"]["schemas"]["BatchRequest"]
    is_described = jsonschema.Draft202012Validator(shape).is_valid(asked)
    assert (answer.status == 200) == is_described == (semantic in STOPS)


def test_names_are_public(described: Description) -> None:
    """Shapes and operations have names to be said aloud, and no operation goes without."""
    names = [*described["components"]["schemas"]]
    paths = described["paths"].values()
    operations = [operation["operationId"] for path in paths for operation in path.values()]
    assert all(name.isidentifier() and name[0].isupper() for name in names)
    assert all(name.isidentifier() and name[0] != "_" for name in operations)
    assert len(operations) == len(set(operations))


def test_what_needs_a_key_says_so(server: Server, described: Description) -> None:
    """Exactly the operations that are described with a key refuse a stranger with 401."""
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            answer = server.send(method.upper(), path.replace("{", "").replace("}", ""))
            assert ("security" in operation) == (answer.status == 401), path
            assert str(answer.status) in operation["responses"]
            assert ("401" in operation["responses"]) == ("security" in operation)


def test_every_reference_leads_somewhere(described: Description) -> None:
    """No reference of the description is left open, and its own version is known."""
    names = set(described["components"]["schemas"])
    assert references(described) <= names
    assert described["openapi"].startswith("3.1")


def references(node: object) -> set[str]:
    """The names of all shapes that *node* refers to."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"].rpartition("/")[2]} if isinstance(node.get("$ref"), str) else set()
    return own.union(*map(references, node.values()))
