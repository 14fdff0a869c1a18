"""The wire format of a batch: `POST /access/v1/evaluations`.

Source: OpenID AuthZEN Authorization API 1.0, section 7.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from policyd.api.strict_json import check_json, encode
from policyd.api.wire import Asked, Receipt, answer, as_call, read_call
from policyd.model.call import Call, Entity
from policyd.model.decision import Decision
from policyd.model.errors import CallMalformed, CallRefused, CallTooLarge
from policyd.points.decision import Stop, execute_all

MAX_ITEMS = 200
MAX_INHERITED = 8 << 20
"""Bytes of JSON that defaults may come to, counted once for each item: each is read for each."""

_ENTITIES = ("subject", "action", "resource", "context")
STOPS: dict[str, Stop] = {
    "execute_all": execute_all,
    "deny_on_first_deny": lambda decision: not decision.allow,
    "permit_on_first_permit": lambda decision: decision.allow,
}


class BatchItem(Struct, frozen=True):
    """One evaluation of a batch: what is asked, or why it cannot be."""

    asked: Asked
    error: str | None = None


class Batch(Struct, frozen=True):
    """A batch as sent; without items it is a single evaluation."""

    items: tuple[BatchItem, ...]
    stop: Stop


def read_batch(body: bytes, *, max_depth: int, key_supports: tuple[str, ...]) -> Batch | Asked:
    """The batch that *body* describes, or the single call if it has no evaluations.

    An item that lacks a member or has one of the wrong type is an item in error; the others are
    not affected by it.

    Raises:
        CallMalformed: the body is not one well-formed batch.
        CallTooLarge: it is beyond a bound.
    """
    check_json(body, max_depth=max_depth)
    try:
        sent = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise CallMalformed(f"the body is not JSON: {error}") from None
    if not isinstance(sent, dict):
        raise CallMalformed("`the body`: expected `object`")
    evaluations = sent.get("evaluations")
    if evaluations is None or evaluations == []:
        return read_call(body, max_depth=max_depth, key_supports=key_supports)
    _check_items(evaluations)
    stop = _stop(sent)
    defaults = {name: sent[name] for name in _ENTITIES if name in sent}
    _check_defaults(defaults, len(evaluations))
    return Batch(tuple(_item(defaults | each, key_supports) for each in evaluations), stop)


def _check_items(evaluations: object) -> None:
    if not isinstance(evaluations, list):
        raise CallMalformed("`evaluations`: expected `array`")
    if len(evaluations) > MAX_ITEMS:
        raise CallTooLarge(f"a batch has at most {MAX_ITEMS} items, not {len(evaluations)}")
    for at, each in enumerate(evaluations):
        if not isinstance(each, dict):
            raise CallMalformed(f"`evaluations[{at}]`: expected `object`")


def _check_defaults(defaults: dict[str, Any], items: int) -> None:
    if len(encode(defaults)) * items > MAX_INHERITED:
        raise CallTooLarge(
            f"the defaults, counted for each of {items} items, take more than {MAX_INHERITED}"
            " bytes; send shorter ones, or fewer items"
        )


def _stop(sent: dict[str, Any]) -> Stop:
    options = sent.get("options")
    options = {} if options is None else options
    if not isinstance(options, dict):
        raise CallMalformed("`options`: expected `object`")
    semantic = options.get("evaluations_semantic", "execute_all")
    if not isinstance(semantic, str) or semantic not in STOPS:
        raise CallMalformed(f"`options.evaluations_semantic`: expected one of {', '.join(STOPS)}")
    return STOPS[semantic]


def _item(members: dict[str, Any], key_supports: tuple[str, ...]) -> BatchItem:
    try:
        return BatchItem(as_call(members, key_supports))
    except CallRefused as refused:
        return BatchItem(Asked(_remains(members), frozenset()), refused.message)


def _remains(members: dict[str, Any]) -> Call:
    """What there is of a broken item, for its record: ids that are text, and nothing else."""

    def entity(name: str) -> Entity:
        sent = members.get(name)
        sent = sent if isinstance(sent, dict) else {}
        return Entity(_text(sent.get("type")), _text(sent.get("id")))

    action = members.get("action")
    name = action.get("name") if isinstance(action, dict) else None
    return Call(entity("subject"), _text(name), entity("resource"))


def _text(value: object) -> str:
    return value[:256] if isinstance(value, str) and value.isprintable() and value else "-"


def batch_body(
    items: tuple[BatchItem, ...],
    decisions: Sequence[Decision],
    receipts: Sequence[Receipt | None],
    *,
    in_full: bool,
) -> bytes:
    """The body of a 200: a decision for each item up to the one that ended the batch."""
    return encode(
        {
            "evaluations": [
                {"decision": False, "context": {"error": {"status": 400, "message": item.error}}}
                if item.error
                else answer(decision, item.asked.include, receipt, in_full=in_full)
                for item, decision, receipt in zip(items, decisions, receipts, strict=False)
            ]
        }
    )
