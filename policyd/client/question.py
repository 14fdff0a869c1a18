"""A call as its sender describes it, and its form as an AuthZEN evaluation request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

_WANTED = ["reasons", "destination", "valid-until"]


class CallParts(TypedDict, total=False):
    """What may be said of a call besides who does what; see `Question`."""

    fields: Sequence[str]
    to: str | None
    path: str | None
    method: str | None
    rows: int | None
    bytes: int | None
    sources: Sequence[str]
    labels: Sequence[str]
    on_behalf_of: Sequence[tuple[str, str]]
    purpose: str | None
    traceparent: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """May this call run?

    Attributes:
        subject: The integration, `unit/name`.
        action: `read`, `write`, `send` or `delete`.
        data: The dataset, `system/name`.
        fields: Those of its fields that the call moves; none named: all.
        to: The endpoint that is contacted: a connection name such as `crm/api`, or a URL.
        path: Appended to the URL of a connection.
        method: Of HTTP.
        rows: How many at most; a limit takes a call that does not say for too large.
        bytes: As `rows`.
        sources: Of a write: the datasets that the written data comes from.
        labels: Words of labels that the data has beyond those of the catalogue.
        on_behalf_of: Type and id of each person or service that the call is made for.
        purpose: Id of the processing activity.
        traceparent: W3C trace context.
    """

    subject: str
    action: str
    data: str
    fields: Sequence[str] = ()
    to: str | None = None
    path: str | None = None
    method: str | None = None
    rows: int | None = None
    bytes: int | None = None
    sources: Sequence[str] = ()
    labels: Sequence[str] = ()
    on_behalf_of: Sequence[tuple[str, str]] = ()
    purpose: str | None = None
    traceparent: str | None = None

    def __post_init__(self) -> None:
        """Raises TypeError if one text stands where several belong, which would be its letters."""
        for name in ("fields", "sources", "labels"):
            if isinstance(value := getattr(self, name), str):
                raise TypeError(f"`{name}` takes a list: write [{value!r}]")

    def body(self, supported: Sequence[str]) -> dict[str, Any]:
        """The request, declaring the obligations in *supported*."""
        volume = {
            "rows": self.rows,
            "bytes": self.bytes,
            "processing_activity_id": self.purpose,
        }
        about = {"fields": list(self.fields), "labels": list(self.labels)}
        return {
            "subject": {"type": "integration", "id": self.subject},
            "action": {"name": self.action, "properties": _said(volume)},
            "resource": {"type": "dataset", "id": self.data, "properties": _said(about)},
            "context": self._context() | {"supported_obligations": list(supported)},
        }

    def _context(self) -> dict[str, Any]:
        context = {
            "endpoint": self.to,
            "path": self.path,
            "method": self.method,
            "sources": list(self.sources),
            "on_behalf_of": [{"type": kind, "id": name} for kind, name in self.on_behalf_of],
            "traceparent": self.traceparent,
        }
        return _said(context) | {"policyd": {"include": _WANTED}}


def _said(parts: Mapping[str, object]) -> dict[str, object]:
    """The parts that say something; zero is something."""
    return {name: value for name, value in parts.items() if value not in (None, [], "")}
