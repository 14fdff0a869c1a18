"""From a request body to a call, and from a decision to an answer."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from policyd.api.wire import MAX_CALL, answer_body, read_call
from policyd.engine.destination import UrlRefused, canonical
from policyd.model.call import Call, Entity
from policyd.model.decision import Decision, Obligation, Reason, Resolved
from policyd.model.errors import CallMalformed, CallRefused, CallTooLarge
from policyd.model.labels import Label

CALL: dict[str, Any] = {
    "subject": {"type": "integration", "id": "sales/customers-to-crm"},
    "action": {"name": "send"},
    "resource": {"type": "dataset", "id": "erp/customers"},
    "context": {"endpoint": "crm/api", "path": "contacts", "method": "POST"},
}


def read(body: bytes) -> Call:
    """The call in *body*, from a key that declares `mask`."""
    return read_call(body, max_depth=32, key_supports=("mask",)).call


def changed(**parts: object) -> bytes:
    """The ordinary call with members replaced."""
    return msgspec.json.encode(CALL | parts)


def nested(levels: int) -> bytes:
    """The ordinary call with an unknown member nested *levels* deep below it."""
    return changed(extra=0).replace(b'"extra":0', b'"extra":' + b"[" * levels + b"]" * levels)


BAD = [
    (b"", "empty"),
    (b"  \n", "empty"),
    (b"{", "not JSON"),
    (b"[1, 2", "not JSON"),
    (b"[]", "expected `object`, got `array`"),
    (b"null", "expected `object`, got `null`"),
    (b'"text"', "expected `object`, got `str`"),
    (b"{} {}", "not JSON"),
    (b"\xff\xfe{}", "not UTF-8"),
    (changed() + b"\xc3", "not UTF-8"),
    (b"\xef\xbb\xbf" + changed(), "not JSON"),
    (changed().decode().encode("utf-16"), "not UTF-8"),
    (changed().replace(b'"send"', b'"send","name":"read"'), "`name` is written twice"),
    (
        changed()[:-1] + b',"subject":{"type":"integration","id":"a/b"}}',
        "`subject` is written twice",
    ),
    (changed(extra=1).replace(b'"extra":1', b'"extra":NaN'), "`NaN` is not a JSON number"),
    (changed(extra=1).replace(b'"extra":1', b'"extra":-Infinity'), "`-Infinity`"),
    (changed(extra=1).replace(b'"extra":1', b'"extra":' + b"9" * 5000), "not JSON"),
    (changed(subject="sales/customers-to-crm"), "`subject`: expected `object`, got `str`"),
    (changed(subject=None), "`subject`: expected `object`, got `null`"),
    (changed(subject={"id": "a/b"}), "missing required field `type`"),
    (changed(subject={"type": "integration", "id": ""}), "`subject.id`"),
    (changed(subject={"type": "integration", "id": 7}), "`subject.id`: expected `str`, got `int`"),
    (changed(action={}), "missing required field `name`"),
    (changed(action={"name": 123}), "`action.name`: expected `str`, got `int`"),
    (changed(action={"name": "send", "properties": {"rows": True}}), "`action.properties.rows`"),
    (changed(action={"name": "send", "properties": {"rows": -1}}), "`action.properties.rows`"),
    (changed(action={"name": "send", "properties": {"rows": 1.5}}), "`action.properties.rows`"),
    (changed(action={"name": "send", "properties": {"rows": 2**53}}), "`action.properties.rows`"),
    (changed(action={"name": "send", "properties": {"rows": "9"}}), "`action.properties.rows`"),
    (
        changed(resource={"type": "dataset", "id": "a/b", "properties": {"fields": "email"}}),
        "`resource.properties.fields`",
    ),
    (
        changed(resource={"type": "dataset", "id": "a/b", "properties": {"fields": [1]}}),
        "`resource.properties.fields[0]`",
    ),
    (changed(context=[]), "`context`"),
    (changed(context={"endpoint": 1}), "`context.endpoint`"),
    (changed(context={"supported_obligations": "mask"}), "`context.supported_obligations`"),
    (changed(context={"endpoint": "crm\x00/api"}), "control character"),
    (changed(context={"endpoint": "crm/api", "method": "POST\n"}), "control character"),
    (changed(subject={"type": "integration", "id": "a/b\u2028"}), "control character"),
    (changed(subject={"type": "integration", "id": "a/\x9b"}), "control character"),
    (changed().replace(b"erp/customers", b"erp/\\ud800"), "not JSON"),
]


@pytest.mark.parametrize(("body", "word"), BAD)
def test_malformed_bodies(body: bytes, word: str) -> None:
    """A body that is not one well-formed call is refused with the member or the place."""
    with pytest.raises(CallMalformed) as caught:
        read(body)
    assert word in caught.value.message
    assert caught.value.code == "call-malformed"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (nested(32), "call-too-deep"),
        (nested(1000), "call-too-deep"),
        (b"[" * 100_000, "call-too-deep"),
        (b'{"a":' * 1000, "call-too-deep"),
        (changed(subject={"type": "integration", "id": "a/" + "b" * MAX_CALL}), "call-too-large"),
        (
            changed(
                resource={"type": "dataset", "id": "a/b", "properties": {"fields": ["f"] * 1500}}
            ),
            "call-too-large",
        ),
    ],
)
def test_bounds(body: bytes, code: str) -> None:
    """A body beyond a bound is refused with a code that says which."""
    with pytest.raises(CallRefused) as caught:
        read(body)
    assert caught.value.code == code


def test_the_bound_is_told() -> None:
    """Whoever meets a bound reads how large it is."""
    with pytest.raises(CallTooLarge, match=r"4096"):
        read(changed(action={"name": "x" * MAX_CALL}))


def test_brackets_in_text_do_not_nest() -> None:
    """Brackets inside strings, escaped quotes among them, are only text."""
    assert read(changed(extra='["\\{[' * 40)) == read(changed())
    assert read(nested(31)) == read(changed())


def test_every_member() -> None:
    """Each member the call may have arrives in its place; a query never does."""
    body = msgspec.json.encode(
        {
            "subject": {"type": "integration", "id": "hr/pay-run", "properties": {"admin": True}},
            "action": {
                "name": "send",
                "properties": {"rows": 12, "bytes": 900, "processing_activity_id": "urn:x:1"},
            },
            "resource": {
                "type": "dataset",
                "id": "payroll/time",
                "properties": {"fields": ["hours"], "labels": ["restricted"]},
            },
            "context": {
                "endpoint": "https://in.bureau.example/in?token=secret",
                "path": "a?b=c",
                "method": "PUT",
                "on_behalf_of": [{"type": "user", "id": "jo"}],
                "supported_obligations": ["drop-fields"],
                "traceparent": "00-0af7-b7ad-01",
            },
        }
    )
    expected = Call(
        subject=Entity("integration", "hr/pay-run"),
        action="send",
        resource=Entity("dataset", "payroll/time"),
        fields=("hours",),
        labels=("restricted",),
        endpoint="https://in.bureau.example/in",
        path="a",
        method="PUT",
        on_behalf_of=(Entity("user", "jo"),),
        rows=12,
        bytes=900,
        purpose="urn:x:1",
        traceparent="00-0af7-b7ad-01",
        supported_obligations=("drop-fields",),
    )
    assert expected == read(body)


def test_context_is_optional_and_the_key_declares_for_it() -> None:
    """Without a context the call is read, with the obligations that the key supports."""
    bare = msgspec.json.encode({name: CALL[name] for name in ("subject", "action", "resource")})
    assert read(bare).supported_obligations == ("mask",)
    assert read(changed(context={"supported_obligations": []})).supported_obligations == ()


@pytest.mark.parametrize(
    "extra",
    [
        {"decision": True},
        {"context": {**CALL["context"], "decision": True, "role": "admin"}},
        {"subject": {**CALL["subject"], "roles": ["admin"], "properties": {"stage": "production"}}},
        {"resource": {**CALL["resource"], "label": "public", "properties": {"label": "public"}}},
        {"evaluations": [{"subject": 1}]},
    ],
)
def test_unknown_members_are_ignored(extra: dict[str, object]) -> None:
    """A member that the call does not have changes nothing, wherever it stands."""
    assert read(changed()) == read(changed(**extra))


def decision(*, allow: bool) -> Decision:
    """A decision with one of everything."""
    reason = Reason("outside-ceiling", "ceiling", "no", "ask", "it@x.example", "it", "guardrail:x")
    return Decision(
        allow=allow,
        reasons=() if allow else (reason,),
        more=0 if allow else 3,
        obligations=(Obligation("mask", {"fields": ("email",)}),) if allow else (),
        resolved=Resolved("sales", (), None, None, "erp", Label(0, frozenset()), None, None, None),
        valid_until=datetime(2026, 3, 2, 8, 1, tzinfo=UTC) if allow else None,
    )


ALL = frozenset({"reasons", "valid-until"})


def test_an_allow_always_carries_its_obligations() -> None:
    """Obligations are in the answer whether asked for or not; the rest only on request."""
    duty = {"id": "mask", "type": "mask", "properties": {"fields": ["email"]}}
    plain = msgspec.json.decode(answer_body(decision(allow=True), frozenset(), in_full=False))
    assert plain == {"decision": True, "context": {"obligations": [duty]}}
    more = msgspec.json.decode(answer_body(decision(allow=True), ALL, in_full=False))
    assert more["context"] == {
        "obligations": [duty],
        "reasons": [],
        "valid_until": "2026-03-02T08:01:00Z",
    }


def test_reasons_name_rules_only_to_those_who_may_know() -> None:
    """A PEP reads code, message, fix and contact; authors and auditors the rule and owner too."""
    assert answer_body(decision(allow=False), frozenset(), in_full=True) == b'{"decision":false}'
    seen = {"code": "outside-ceiling", "message": "no", "fix": "ask", "contact": "it@x.example"}
    hidden = {"check": "ceiling", "owner": "it", "rule": "guardrail:x"}
    plain = msgspec.json.decode(answer_body(decision(allow=False), ALL, in_full=False))
    full = msgspec.json.decode(answer_body(decision(allow=False), ALL, in_full=True))
    assert plain["context"] == {"reasons": [seen], "more_reasons": 3}
    assert full["context"]["reasons"] == [seen | hidden]


@pytest.mark.parametrize("written", [b"12", b"12.0", b"1.2e1", b"120e-1"])
def test_a_whole_number_is_one_however_it_is_written(written: bytes) -> None:
    """JSON Schema calls 12.0 an integer, and so does a check: the call has 12."""
    sent = changed(action={"name": "send", "properties": {"rows": 0}})
    rows = read(sent.replace(b'"rows":0', b'"rows":' + written)).rows
    assert (rows, type(rows)) == (12, int)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("https://me:s3cr3t@crm.example/a", "https://…@crm.example/a"),
        ("https://s3cr3t@crm.example", "https://…@crm.example"),
        ("https://me:s3@cr3t@crm.example/@a", "https://…@crm.example/@a"),
        (r"https:/\me:s3cr3t@crm.example/a", r"https:/\…@crm.example/a"),
        ("//me:s3cr3t@crm.example", "//…@crm.example"),
        ("https:me:s3cr3t@crm.example", "https:…@crm.example"),
        ("HTTPS://me:s3/cr3t@crm.example/a", "HTTPS://…@crm.example/a"),
        ("https://me:s3#cr3t@crm.example/a", "https://…@crm.example/a"),
        ("https://me:s3?cr3t@crm.example/a", "https://…@crm.example/a"),
        ("https://crm.example?to=s3cr3t@x", "https://crm.example"),
        ("https://me:12/s3cr3t", "https://me:12/s3cr3t"),
        ("https://[fd00::1]:8443/@s", "https://[fd00::1]:8443/@s"),
        ("https://crm.example:443/users/@jo?s3cr3t@x", "https://crm.example:443/users/@jo"),
        ("crm/api", "crm/api"),
    ],
)
def test_user_information_gets_nowhere(sent: str, kept: str) -> None:
    """A password in a URL is in neither decision nor record; the URL is refused all the same."""
    assert read(changed(context={"endpoint": sent})).endpoint == kept
    for user in {sent, kept} if "…" in kept else ():
        with pytest.raises(UrlRefused):
            canonical(user)


def test_a_refusal_repeats_no_user_information() -> None:
    """What is refused for another reason is told without them, too."""
    with pytest.raises(CallMalformed, match="control") as refused:
        read(changed(context={"endpoint": "https://me:s3cr3t@crm.example\n"}))
    assert "s3cr3t" not in str(refused.value)
