"""Slips of whoever writes with the client, told at once and in the client's own words."""

from typing import Any

import pytest

from policyd.client import Denied, Policyd
from tests.unit.client.stub import Reply, allowing, running

CALL: Any = {"subject": "sales/sync", "action": "send", "data": "erp/customers"}


@pytest.mark.parametrize("key", ["", "pd_key\n", "pd key", "schlüssel", None])
def test_what_is_no_key_is_said_at_once_and_not_said_again(key: Any) -> None:  # noqa: ANN401
    """A key with a line break, as read from a file, is refused before it gets into a message."""
    with pytest.raises(ValueError, match="without spaces or line breaks") as caught:
        Policyd("https://policyd.example", key)
    assert not key or key.strip() not in str(caught.value)


@pytest.mark.parametrize("name", ["fields", "sources", "labels"])
def test_a_text_is_no_list(name: str) -> None:
    """One name without its list is a mistake, and not a list of letters."""
    parts: Any = {name: "iban"}
    with running(allowing()) as stub:
        asking = Policyd(stub.url, "pd_key").allow(**CALL, **parts)
        with pytest.raises(TypeError, match=f"`{name}` takes a list: write \\['iban'\\]"), asking:
            pytest.fail("a block ran by mistake")
        assert stub.seen == []


def test_reasons_come_in_the_words_of_the_caller() -> None:
    """What the server says of a request's members is told by the names that the caller wrote."""
    said = [
        ("the call does not say context.method", "send context.method with the call"),
        ("it needs `tokenise`", "support it, and declare it in"),
        ("too much.", "send action.properties.rows with the call"),
    ]
    reasons = [{"code": "c", "message": what, "fix": fix} for what, fix in said]
    reasons[1]["fix"] += " context.supported_obligations or on the key"
    deny = Reply(200, {"decision": False, "context": {"reasons": reasons}})
    with (
        running(deny) as stub,
        pytest.raises(Denied) as caught,
        Policyd(stub.url, "pd_key").allow(**CALL),
    ):
        pytest.fail("a denied block ran")
    assert str(caught.value).splitlines()[1:] == [
        "- c: the call does not say `method`; fix: send `method` with the call",
        (
            "- c: it needs `tokenise`; fix: give the client what it takes,"
            " for `tokenise` the secret `tokenise_with`"
        ),
        "- c: too much; fix: send `rows` with the call",
    ]
