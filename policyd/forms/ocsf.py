"""OCSF 1.8: a record as an event of the class API Activity (6003), for security teams' tools.

The profiles security_control and trace are used. `raw_data` is the record's very bytes and
`raw_data_hash` their SHA-256, so a copy in another system can be held to the log: the hash of its
leaf is SHA-256 of a zero byte and `raw_data`, and `unmapped.policyd` names log and number.
Source: schema.ocsf.io, 1.8.0.
"""

import hashlib
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from policyd import __version__
from policyd.forms.entry import Entry, present

VERSION = "1.8.0"
CLASS = 6003
"""API Activity, of the category Application Activity."""

_CATEGORY = 6
_CREATE, _READ, _UPDATE, _DELETE, _OTHER = 1, 2, 3, 4, 99
_NAMES = {_CREATE: "Create", _READ: "Read", _UPDATE: "Update", _DELETE: "Delete"}
_ACTIONS = {"read": _READ, "write": _UPDATE, "delete": _DELETE}  # `send` has none of its own
_KINDS = {
    "epoch": _CREATE,
    "query": _READ,
    "export": _READ,
    "admin": _UPDATE,
    "hold": _UPDATE,
    "policy_change": _UPDATE,
    "retention": _DELETE,
}
_INFORMATIONAL, _LOW, _HIGH = 1, 2, 4
_SHA_256 = 3
_SERVICE = 4


class _Control(NamedTuple):
    """How the profile security_control says a decision."""

    action_id: int
    action: str
    disposition_id: int
    disposition: str


_ALLOWED = _Control(1, "Allowed", 1, "Allowed")
_MODIFIED = _Control(4, "Modified", 1, "Allowed")  # what moves has to be changed on the way
_OBSERVED = _Control(3, "Observed", 17, "Logged")  # it would have been denied
_DENIED = _Control(2, "Denied", 26, "Unauthorized")
_CHANGING = frozenset({"mask", "tokenise", "drop-fields", "row-limit"})


def event(entry: Entry) -> dict[str, Any]:
    """The record as an OCSF event."""
    activity = _activity(entry)
    return present(
        class_uid=CLASS,
        class_name="API Activity",
        category_uid=_CATEGORY,
        category_name="Application Activity",
        activity_id=activity,
        activity_name=_NAMES.get(activity) or _operation(entry).capitalize(),
        type_uid=CLASS * 100 + activity,
        time=entry.at_ms,
        severity_id=_severity(entry),
        message=_message(entry),
        metadata=_metadata(entry),
        actor=_actor(entry),
        api=_api(entry),
        src_endpoint=_source(entry),
        dst_endpoint=_destination(entry),
        resources=_resources(entry),
        trace=_trace(entry),
        raw_data=entry.leaf.decode(),
        raw_data_hash=_fingerprint(entry.leaf),
        unmapped={"policyd": {"origin": entry.origin, "index": entry.seq}},
        **_status(entry),
        **_control(entry),
    )


def _activity(entry: Entry) -> int:
    kind = entry.record["kind"]
    if kind == "decision":
        return _ACTIONS.get(entry.part("call", "action"), _OTHER)
    return _KINDS.get(kind, _OTHER)


def _operation(entry: Entry) -> str:
    """What was done, in policyd's own word."""
    asked = entry.part("call", "action") or entry.part("act") or entry.record["kind"]
    return str(asked)


def _severity(entry: Entry) -> int:
    if entry.part("status") in {"ran-despite-deny", "ran-unasked"}:
        return _HIGH
    return _LOW if entry.part("decision") == "deny" else _INFORMATIONAL


def _message(entry: Entry) -> str:
    """One line for a reader."""
    call = entry.part("call") or {}
    verdict = entry.part("decision") if entry.record["kind"] == "decision" else None
    where = (call.get("destination") or {}).get("name")
    words = (
        *(entry.record["kind"], verdict or entry.part("status"), call.get("subject")),
        *(_operation(entry), call.get("dataset") or entry.part("target"), where),
    )
    return " ".join(str(each) for each in words if each)


def _metadata(entry: Entry) -> dict[str, Any]:
    profiles = ["security_control"] if _is_decision(entry) else []
    if _trace(entry):
        profiles.append("trace")
    decision = entry.part("decision")
    return present(
        version=VERSION,
        product={"name": "policyd", "vendor_name": "policyd", "version": __version__},
        profiles=profiles,
        uid=entry.record["id"],
        sequence=entry.seq,
        event_code=entry.record["kind"],
        original_time=entry.record["ts"],
        correlation_uid=entry.part("call", "request_id") if _is_decision(entry) else decision,
        log_name=entry.origin,
        log_provider="policyd",
        log_version=str(entry.record["v"]),
    )


def _is_decision(entry: Entry) -> bool:
    return bool(entry.record["kind"] == "decision")


def _actor(entry: Entry) -> dict[str, Any]:
    """The integration that calls and the key it calls with; policyd itself where nobody did."""
    call = entry.part("call") or {}
    key = entry.part("caller", "key") or entry.part("by")
    kind = {"type": "Service", "type_id": _SERVICE} if call else {}
    made = present(app_uid=call.get("subject"), user={"uid": key, **kind} if key else None)
    return made or {"app_name": "policyd"}


def _api(entry: Entry) -> dict[str, Any]:
    request = entry.part("call", "request_id") or entry.record["id"]
    return {
        "operation": _operation(entry),
        "request": {"uid": request},
        "service": {"name": entry.part("call", "system") or "policyd"},
    }


def _source(entry: Entry) -> dict[str, Any]:
    """Where the request came from; the server itself where that is kept apart or nobody asked."""
    address = entry.part("caller", "address")
    try:
        ip_address(address)
    except ValueError:
        return {"svc_name": "policyd"}
    # The scope of an IPv6 address means something on one machine only.
    return {"ip": address.partition("%")[0], "svc_name": "policyd"}


def _destination(entry: Entry) -> dict[str, Any] | None:
    place = entry.part("call", "destination")
    if not place:
        return None
    url = urlsplit(place.get("canonical") or "")
    made = present(hostname=url.hostname, port=url.port, name=place.get("name"))
    # At least one of these names an endpoint; a zone alone does not.
    return made | present(zone=place.get("zone")) if made else None


def _resources(entry: Entry) -> list[dict[str, Any]] | None:
    call = entry.part("call")
    if not call:
        return None
    effective = (call.get("labels") or {}).get("effective", [])
    asked = present(
        uid=call.get("dataset"),
        name=call.get("dataset"),
        type=call.get("resource_type") or "dataset",
        labels=effective,
        data=present(fields=call.get("fields"), volume=call.get("volume")),
    )
    sources = ({"uid": each, "type": "source"} for each in call.get("sources", ()) if each)
    return [*([asked] if "uid" in asked else ()), *sources]


def _trace(entry: Entry) -> dict[str, str] | None:
    parent = entry.traceparent
    return {"uid": parent.split("-")[1]} if parent else None


def _fingerprint(leaf: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(leaf).hexdigest()
    return {"algorithm": "SHA-256", "algorithm_id": _SHA_256, "value": digest}


def _status(entry: Entry) -> dict[str, Any]:
    """Whether what was asked was done; a denial is no failure of policyd, so it says nothing."""
    status = entry.part("status")
    if status:
        is_done = status == "ok"
        made = {"status_id": 1 if is_done else 2, "status": "Success" if is_done else "Failure"}
        return made | present(status_code=status, status_detail=entry.part("error"))
    codes = [each["code"] for each in entry.part("reasons") or ()]
    return present(status_code=codes[0], status_detail=", ".join(codes)) if codes else {}


def _control(entry: Entry) -> dict[str, Any]:
    if not _is_decision(entry):
        return {}
    allowed = entry.part("decision") == "allow"
    rules = [each["rule"] for each in entry.part("reasons") or () if each.get("rule")]
    policy = {"uid": entry.record["snapshot"], "name": "policyd", "is_applied": True}
    stated = "allowed" if allowed else "denied"
    named = [present(uid=each, name=each) for each in dict.fromkeys(rules)]
    return {
        **_said(entry, allowed=allowed)._asdict(),
        "policy": policy,
        "authorizations": [{"decision": stated, "policy": each} for each in named or [policy]],
        "is_alert": not allowed,
    }


def _said(entry: Entry, *, allowed: bool) -> _Control:
    if not allowed:
        return _DENIED
    if entry.part("would"):
        return _OBSERVED
    duties = {each["type"] for each in entry.part("obligations") or ()}
    return _MODIFIED if duties & _CHANGING else _ALLOWED
