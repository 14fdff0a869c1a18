"""The AuthZEN wire format: a request body to a Call, a Decision to an answer body.

Source: OpenID AuthZEN Authorization API 1.0, sections 5 and 6. Unknown members are ignored;
a known member of the wrong type is refused, so that a misspelt value never opens anything.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from policyd.api.strict_json import check_json, encode, read_plain
from policyd.api.text import CONTROL, PLAIN, PLAIN_BUT_QUERY, SOME_PLAIN
from policyd.model.call import Call, Entity
from policyd.model.decision import Decision, Obligation, Reason
from policyd.model.errors import CallMalformed, CallTooLarge

MAX_CALL = 4096
"""Bytes of JSON that the known members of one call may take; a record stays under 16 KiB by it."""

# Patterns are told, not read by: all text of a call is looked through at once, in `_check_bounds`.
Text = Annotated[str, Meta(min_length=1, extra_json_schema={"pattern": SOME_PLAIN})]
Line = Annotated[str, Meta(extra_json_schema={"pattern": PLAIN})]
Place = Annotated[str, Meta(extra_json_schema={"pattern": PLAIN_BUT_QUERY})]
# A URL as lenient readers take it: any number of slashes of either kind before the authority.
_PARTS = re.compile(r"((?:[a-z][a-z0-9+.-]*:)?[/\\]*)([^/\\?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"(?:\[.*\]|[^:]*)(?::\d*)?")
_BELOW = 2**53  # exact in every JSON reader (I-JSON)
Count = (
    Annotated[int, Meta(ge=0, lt=_BELOW)] | Annotated[float, Meta(ge=0, lt=_BELOW, multiple_of=1)]
)
"""A whole number; JSON has no other sign of one than that nothing but zeros follows the point."""


class Party(Struct, omit_defaults=True):
    """Who is meant: a type and an id, such as `integration` and `unit/name`."""

    type: Text
    id: Text


class ActionProperties(Struct, omit_defaults=True):
    """Volume and purpose of a call, as its sender has it; unsaid rows are over any limit."""

    rows: Count | None = None
    bytes: Count | None = None
    processing_activity_id: Text | None = None


class Action(Struct, omit_defaults=True):
    """What is done: `read`, `write`, `send` or `delete`."""

    name: Text
    properties: ActionProperties | None = None


class ResourceProperties(Struct, omit_defaults=True):
    """The fields that are moved (none named: all), and labels that raise those of the catalogue."""

    fields: list[Text] | None = None
    labels: list[Text] | None = None


class Resource(Struct, omit_defaults=True):
    """The data: `dataset`, and its `system/dataset`."""

    type: Text
    id: Text
    properties: ResourceProperties | None = None


class AnswerOptions(Struct, omit_defaults=True):
    """What the answer has besides the decision: `reasons`, `destination`, `valid-until`."""

    include: list[str] | None = None


class Context(Struct, omit_defaults=True):
    """The endpoint that is contacted, and what else is known of the call."""

    sources: list[Text] | None = None
    endpoint: Place | None = None
    path: Place | None = None
    method: Line | None = None
    on_behalf_of: list[Party] | None = None
    supported_obligations: list[Text] | None = None
    traceparent: Line | None = None
    policyd: AnswerOptions | None = None


class CheckRequest(Struct, omit_defaults=True):
    """The members of a check that policyd knows; together they take at most 4 KiB of JSON."""

    subject: Party
    action: Action
    resource: Resource
    context: Context | None = None


class Asked(Struct, frozen=True):
    """A call, and what its sender wants in the answer besides the decision."""

    call: Call
    include: frozenset[str]


_decode = msgspec.json.Decoder(CheckRequest).decode
_NO_CONTEXT, _NO_VOLUME, _NOTHING_ABOUT = Context(), ActionProperties(), ResourceProperties()


def read_call(body: bytes, *, max_depth: int, key_supports: tuple[str, ...]) -> Asked:
    """The call that *body* describes.

    Args:
        body: One AuthZEN evaluation request.
        max_depth: Levels of nesting allowed.
        key_supports: Obligations that the key declares, for a request that declares none.

    Raises:
        CallMalformed: not one well-formed request; the message names the member.
        CallTooLarge: beyond `MAX_CALL` or *max_depth*.
    """
    request = read_plain(body, _decode, max_depth=max_depth)
    if request is None:
        check_json(body, max_depth=max_depth)
        request = _decoded(body)
    return _asked(request, key_supports)


def _decoded(body: bytes) -> CheckRequest:
    try:
        return _decode(body)
    except msgspec.ValidationError as error:
        raise CallMalformed(_member(str(error))) from None
    except msgspec.DecodeError as error:
        raise CallMalformed(f"the body is not JSON: {error}") from None


def as_call(members: dict[str, Any], key_supports: tuple[str, ...]) -> Asked:
    """The call that parsed *members* describe; raises as `read_call`."""
    try:
        request = msgspec.convert(members, CheckRequest)
    except msgspec.ValidationError as error:
        raise CallMalformed(_member(str(error))) from None
    return _asked(request, key_supports)


def _asked(request: CheckRequest, key_supports: tuple[str, ...]) -> Asked:
    call = _call(request, key_supports)
    _check_bounds(call)
    options = request.context.policyd if request.context else None
    return Asked(call, frozenset((options and options.include) or ()))


def _member(message: str) -> str:
    """Msgspec's message with the member first, as a path from the top.

    >>> _member("Expected `str`, got `int` - at `$.action.name`")
    '`action.name`: expected `str`, got `int`'
    """
    what, _, path = message.partition(" - at ")
    name = path.strip("`").removeprefix("$.") or "the body"
    return f"`{name}`: {what[:1].lower()}{what[1:]}"


def _call(request: CheckRequest, key_supports: tuple[str, ...]) -> Call:
    about = request.resource.properties or _NOTHING_ABOUT
    volume = request.action.properties or _NO_VOLUME
    context = request.context or _NO_CONTEXT
    declared = context.supported_obligations
    return Call(
        subject=_entity(request.subject),
        action=request.action.name,
        resource=Entity(request.resource.type, request.resource.id),
        fields=tuple(about.fields or ()),
        labels=tuple(about.labels or ()),
        endpoint=_without_query(_without_user(context.endpoint)),
        path=_without_query(context.path),
        method=context.method or None,
        sources=tuple(context.sources or ()),
        on_behalf_of=tuple(_entity(each) for each in context.on_behalf_of or ()),
        rows=_whole(volume.rows),
        bytes=_whole(volume.bytes),
        purpose=volume.processing_activity_id,
        traceparent=context.traceparent or None,
        supported_obligations=key_supports if declared is None else tuple(declared),
    )


def _entity(sent: Party) -> Entity:
    return Entity(sent.type, sent.id)


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _without_query(text: str | None) -> str | None:
    """A query takes no part in a decision and may carry secrets, so it never gets further."""
    if not text:
        return None
    return text if "?" not in text else text.partition("?")[0] or None


def _without_user(url: str | None) -> str | None:
    """Nor does a user name or password; their `@` stays, for which the URL is refused.

    An `@` in a path is none: only an authority has user information (RFC 3986, section 3.2.1).
    """
    if url is None or "@" not in url:
        return url
    start, authority, rest = _PARTS.fullmatch(url).groups()  # type: ignore[union-attr] # always
    if "@" not in authority:
        if _HOST.fullmatch(authority):
            return url
        # What is no host before the first `/`, `?` or `#` is a password that has one in it.
        authority, rest = authority + rest, ""
    return f"{start}…@{authority.rpartition('@')[2]}{rest}"


def _check_bounds(call: Call) -> None:
    encoded = encode(call)
    if len(encoded) > MAX_CALL:
        raise CallTooLarge(
            f"the call takes {len(encoded)} bytes, of at most {MAX_CALL};"
            " name fewer or shorter parts"
        )
    if encoded.isascii() and b"\\" not in encoded and b"\x7f" not in encoded:
        return  # JSON escapes the control characters below; the others are not ASCII
    for text in _texts(call):
        if CONTROL.search(text):
            raise CallMalformed(f"`{CONTROL.sub('�', text)[:64]}` has a control character")


def _texts(call: Call) -> Iterator[str]:
    """Every piece of text that the sender chose."""
    for entity in (call.subject, call.resource, *call.on_behalf_of):
        yield from (entity.type, entity.id)
    yield from (*call.fields, *call.sources, *call.labels, *call.supported_obligations)
    rest = (call.endpoint, call.path, call.method, call.purpose, call.traceparent)
    yield from (text for text in (call.action, *rest) if text)


_BARE = {True: encode({"decision": True}), False: encode({"decision": False})}


class Receipt(Struct, frozen=True):
    """Proof that the decision's record is in the log: its place, its hash, a `tlog-proof`."""

    index: int
    leaf_hash: str
    proof: str


def answer_body(
    decision: Decision, include: frozenset[str], receipt: Receipt | None = None, *, in_full: bool
) -> bytes:
    """The body of a 200: see `answer`."""
    if not include and not _says_more(decision):
        return _BARE[decision.allow]
    return encode(answer(decision, include, receipt, in_full=in_full))


def answer(
    decision: Decision, include: frozenset[str], receipt: Receipt | None = None, *, in_full: bool
) -> dict[str, Any]:
    """The decision, its obligations, and what the sender asked to see.

    Args:
        decision: What was decided and recorded.
        include: Any of `reasons`, `destination` (the URL the decision is about, in its one
            spelling) and `valid-until`; what it does not know it leaves out.
        receipt: Of the decision's record, if it was asked for.
        in_full: Whether reasons name their rule and owner: for authors, auditors and admins.
    """
    body: dict[str, Any] = {"decision": decision.allow}
    context = _always(decision)
    if "reasons" in include:
        context["reasons"] = [wire_reason(each, in_full=in_full) for each in decision.reasons]
        if decision.more:
            context["more_reasons"] = decision.more
    if "destination" in include and decision.resolved.url:
        context["destination"] = str(decision.resolved.url)
    if "valid-until" in include and decision.valid_until:
        context["valid_until"] = decision.valid_until
    if receipt:
        context["receipt"] = receipt
    if context:
        body["context"] = context
    return body


def _says_more(decision: Decision) -> bool:
    """Whether `_always` says anything."""
    due = decision.obligations or decision.advice or decision.approval
    return bool(due) or decision.would_deny


def _always(decision: Decision) -> dict[str, Any]:
    """What the caller has to know to obey, whether it asked for it or not."""
    said: dict[str, Any] = {
        "obligations": [wire_obligation(each) for each in decision.obligations],
        "advice": [wire_obligation(each) for each in decision.advice],
        "would": "deny" if decision.would_deny else None,
        "access_request": {"approvers": list(decision.approval)} if decision.approval else None,
    }
    return {name: value for name, value in said.items() if value}


def wire_obligation(due: Obligation) -> dict[str, Any]:
    """An obligation in the shape of the AuthZEN obligations draft: `{id, type, properties}`."""
    return {"id": due.type, "type": due.type, "properties": dict(due.properties)}


def wire_reason(reason: Reason, *, in_full: bool) -> dict[str, str]:
    """A reason; *in_full* also with its check, rule and owner."""
    said = {
        "code": reason.code,
        "message": reason.message,
        "fix": reason.fix,
        "contact": reason.contact,
    }
    if in_full:
        said |= {"check": reason.check, "owner": reason.owner}
        said |= {"rule": reason.rule} if reason.rule else {}
    return said
