"""Schemathesis asks what `/openapi.json` promises, and finds nothing that is not kept."""

from collections.abc import Iterator

import pytest
import schemathesis

from tests.servers import Server, bearer

ROLES = ("pep", "builder", "author", "approver", "auditor", "admin")


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.make_key(*ROLES, units=["sales"])["key"]


@pytest.fixture(scope="module")
def promised(server: Server):
    return schemathesis.openapi.from_url(
        f"http://127.0.0.1:{server.port}/openapi.json",
        config=schemathesis.Config.from_dict({"seed": 7, "generation": {"deterministic": True, "max-examples": 30, "no-shrink": True}}),
    )


promises = schemathesis.pytest.from_fixture("promised")


@promises.parametrize()
def test_it(case, key):
    case.call_and_validate(headers=bearer(key))
