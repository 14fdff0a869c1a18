"""Fields: what a query may ask about, in which form, and who may ask for more than their own.

A field stands on columns of a segment: `seq` and those of `policyd.ledger.parquet.COLUMNS`, which
is not imported here, since it brings DuckDB.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

from policyd_audit.record import KINDS

LONGEST_NAME = 64
"""Characters of a misspelt word beyond which nothing near it is looked for."""


class Kind(Enum):
    """The form of a field's values: what can be compared, and with what."""

    TEXT = "text"
    WORD = "one of a few words"
    LEVEL = "label"
    NUMBER = "number"
    TIME = "time"
    ADDRESS = "address or network"
    OUTCOME = "outcome"
    ANYWHERE = "quoted text"


ORDERED = frozenset({Kind.LEVEL, Kind.NUMBER, Kind.TIME})
"""Kinds that have `>=`, `>`, `<=`, `<` and ranges."""

STARRED = frozenset({Kind.TEXT, Kind.LEVEL})
"""Kinds that have `begins*` and `*ends`."""

LISTS = frozenset(
    {
        *("roles", "on_behalf_of", "fields", "sources", "categories", "asserted", "obligations"),
        *("reasons", "checks", "rules", "modes", "exemptions"),
    }
)
"""Columns that hold several values; a record is found if one of them is what is asked for."""

IDS = ("id", "decision_id")
SENT = ("request_id", "traceparent")
WHOLE = frozenset({*IDS, *SENT})
"""Columns of ids, ours and the caller's, of which a text without a field has to be the whole."""

ID_LENGTH = len("01938f6e-27a1-7c7e-8f4e-0123456789ab")
"""Characters of the shortest of our ids."""

EVERYONE: tuple[str, ...] = ()
RULES = ("author", "auditor", "admin")  # who may know by which rule something was decided
WATCHERS = ("auditor", "admin")  # who may know of others that called, read or administered


@dataclass(frozen=True, slots=True)
class Field:
    """A name that may stand before a colon.

    Attributes:
        name: The word of the query.
        kind: The form of its values.
        columns: Where it looks; a record is found if one of them is what is asked for.
        about: What it is, in one sentence.
        example: A part of a query that uses it.
        words: All its values, where they are few.
        roles: One of them is needed to ask for it; empty: whoever may search may ask for it.
    """

    name: str
    kind: Kind
    columns: tuple[str, ...]
    about: str
    example: str
    words: tuple[str, ...] = ()
    roles: tuple[str, ...] = EVERYONE


def _text(
    name: str, about: str, example: str, *columns: str, roles: tuple[str, ...] = EVERYONE
) -> Field:
    return Field(name, Kind.TEXT, columns or (name,), about, example, roles=roles)


def _word(name: str, about: str, words: str, *, column: str = "") -> Field:
    every = tuple(words.split())
    return Field(name, Kind.WORD, (column or name,), about, f"{name}:{every[0]}", every)


_ALL = (
    _word("decision", "What was answered.", "deny allow"),
    _word("would", "What the answer had been without the roll-out that let the call pass.", "deny"),
    _word("kind", "What a record is of.", "decision " + " ".join(sorted(KINDS - {"decision"}))),
    _text("unit", "The business unit of the integration that asked.", "unit:sales"),
    _text(
        "integration",
        "The integration that asked, as `unit/name`.",
        "integration:sales/*",
    ),
    _text(
        "subject",
        "Who or what the call was about: an integration, or whatever else was asked about.",
        "subject:sales/crm-to-lake",
    ),
    _text("action", "What the call does: read, write, send or delete.", "action:send"),
    _text("system", "The system that has the data.", "system:crm"),
    _text(
        "dataset",
        "The data, as `system/dataset`, also where it was named as a source of a write.",
        "dataset:crm/*",
        "dataset",
        "sources",
    ),
    _text("field", "A field of the data that the call named.", "field:email", "fields"),
    _text(
        "destination",
        "The listed place the data goes to, by its name.",
        "destination:mailer",
    ),
    _text(
        "endpoint",
        "The endpoint: the connection or URL as it was sent, or the one spelling of its URL.",
        "endpoint:https://api.mailer.example/*",
        "endpoint",
        "sent",
    ),
    _text("host", "The host of the endpoint's URL.", "host:*.mailer.example"),
    _text("zone", "The zone that was judged.", "zone:saas"),
    Field(
        "label",
        Kind.LEVEL,
        ("level", "categories"),
        "The label the decision used: its level, of which there is an order, or a category of it;"
        " a level that is not in the order counts as above all.",
        "label>=confidential",
    ),
    _text("category", "A category of the label.", "category:personal", "categories"),
    _text("asserted", "A word of a label that the caller asserted.", "asserted:health"),
    _text(
        "rule",
        "A rule that failed the call, or would have.",
        "rule:GR-7",
        "rules",
        roles=RULES,
    ),
    _text("reason", "The code of a reason.", "reason:destination-unlisted", "reasons"),
    _text("check", "The check that gave a reason.", "check:label-flow", "checks"),
    Field(
        "mode",
        Kind.WORD,
        ("modes",),
        "The mode that softened a reason; where none did, it was enforced.",
        "mode:observe",
        ("warn", "observe"),
        RULES,
    ),
    _text(
        "exemption",
        "An exemption that lifted a reason.",
        "exemption:*",
        "exemptions",
        roles=RULES,
    ),
    _text(
        "obligation",
        "The type of a duty that came with an allow.",
        "obligation:mask",
        "obligations",
    ),
    _word(
        "owner",
        "Where nobody answered for the integration any more: how far that had come.",
        "grace quarantined",
    ),
    _text("template", "The template of the integration.", "template:saas-sync"),
    _text("stage", "The stage of the integration.", "stage:production"),
    _text("role", "A role of the integration.", "role:reader", "roles"),
    _text(
        "on-behalf-of",
        "Who the integration acted for, as `type:id`.",
        "on-behalf-of:user:ann@acme.example",
        "on_behalf_of",
    ),
    _text("purpose", "The processing activity the caller named.", "purpose:ropa-17"),
    Field(
        "rows",
        Kind.NUMBER,
        ("rows",),
        "Rows the caller said it moves or moved; of a query, rows that were found.",
        "rows>=10000",
    ),
    Field(
        "bytes",
        Kind.NUMBER,
        ("bytes",),
        "Bytes the caller said it moves or moved.",
        "bytes:1000000..5000000",
    ),
    _text("key", "The id of the key that asked.", "key:k-3f2a", roles=WATCHERS),
    Field(
        "address",
        Kind.ADDRESS,
        ("address_key",),
        "The network address of the caller, or the network it is in.",
        "address:10.20.0.0/16",
        roles=WATCHERS,
    ),
    _text(
        "id",
        "The id of a record; that of a decision finds its outcome, too.",
        "id:01938f6e-27a1-7c7e-8f4e-0123456789ab",
        "id",
        "decision_id",
    ),
    _text("request", "The request id the caller sent.", "request:order-4711", "request_id"),
    _text(
        "trace",
        "The trace the call is part of: its id, or the whole traceparent.",
        "trace:4bf92f3577b34da6a3ce929d0e0e4736",
        "trace_id",
        "traceparent",
    ),
    _text("snapshot", "The digest of the policy in force.", "snapshot:sha256:9f86d0*"),
    _word(
        "status",
        "What a report of a call's outcome says.",
        "ok failed ran-despite-deny ran-unasked",
    ),
    Field(
        "outcome",
        Kind.OUTCOME,
        ("seq",),
        "What became of a decision: `missing` finds allowed calls of which nothing was reported,"
        " `*` those of which anything was.",
        "outcome:missing",
        ("missing", "done", "failed", "ran-despite-deny"),
    ),
    _text("error", "The kind of failure that an outcome reports.", "error:timeout"),
    _text(
        "act",
        "What an act of administration did, or one on a hold.",
        "act:revoke-key",
        roles=WATCHERS,
    ),
    _text(
        "target",
        "What it was done to: the id of a key, the name of a hold.",
        "target:case-17",
        roles=WATCHERS,
    ),
    _text("holder", "Who did it, by the holder of the key.", "holder:ann", roles=WATCHERS),
    _text(
        "text",
        "What somebody searched the log for, or why something was done.",
        "text:*",
        roles=WATCHERS,
    ),
    Field(
        "time",
        Kind.TIME,
        ("ts",),
        "When the record was made, in UTC; a day or a month is all of it.",
        "time:2026-01-01..2026-01-31",
    ),
    Field(
        "index",
        Kind.NUMBER,
        ("seq",),
        "The place of the record in the log, from 0.",
        "index:65536..131071",
    ),
    Field(
        "anywhere",
        Kind.ANYWHERE,
        (
            *("dataset", "sources", "system", "unit", "subject", "destination", "endpoint"),
            *("sent", "template", "purpose", "on_behalf_of", "id", "decision_id", "request_id"),
            "traceparent",
        ),
        "What a quoted text without a field does: it finds the records that have it, in upper and"
        " lower case as it stands, anywhere in the names a call brings: dataset, sources, system,"
        " unit, subject, destination, endpoint, template, purpose and persons; or as one of its"
        " ids, as a whole.",
        '"crm/customers"',
    ),
)

FIELDS: Mapping[str, Field] = {each.name: each for each in _ALL}
"""Every field by its name, in the order in which they are documented."""

SINCE = {"after": ">=", "before": "<"}
"""Words for two comparisons of `time`: `after:-7d` is `time>=-7d`."""

NAMES = (*FIELDS, *SINCE)

_ELSEWHERE = {
    "actor": "subject",
    "user": "on-behalf-of",
    "person": "on-behalf-of",
    "ip": "address",
    "created": "time",
    "date": "time",
    "ts": "time",
    "since": "after",
    "until": "before",
    "from": "after",
    "to": "before",
    "level": "label",
    "labels": "label",
    "seq": "index",
    "url": "endpoint",
    "domain": "host",
    "code": "reason",
    "type": "kind",
    "data": "dataset",
    "resource": "dataset",
    "operation": "action",
}
"""Words of other systems' logs, and what they are called here."""


def near(word: str, among: tuple[str, ...]) -> str | None:
    """The one of *among* that was probably meant."""
    if len(word) > LONGEST_NAME:
        return None
    found = get_close_matches(word.lower(), among, n=1, cutoff=0.6)
    return found[0] if found else None


def near_field(name: str) -> str | None:
    """The name of the field that was probably meant."""
    asked = name.lower().replace("_", "-")
    if asked in NAMES:
        return asked
    return _ELSEWHERE.get(asked) or near(asked, NAMES)
