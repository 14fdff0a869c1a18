"""What the search process is asked, and what it answers.

Messages are framed as those of the process that reads segments are: `ledger.asking`.
"""

import socket

import msgspec

from policyd.ledger.asking import read_message


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A part of a message."""


class Bounds(Part, frozen=True):
    """Whose decisions alone are looked at: those of these units, and of these integrations."""

    units: tuple[str, ...]
    integrations: tuple[str, ...]


class Scope(Part, frozen=True):
    """Which records a question is about.

    Attributes:
        text: In the language of `language`.
        now: What relative times count from, RFC 3339 in UTC.
        levels: The company's levels, lowest first.
        roles: Of the asker.
        size: Of the log; what came later does not count.
        seconds: How long the answer may take.
        after: None is older than this, RFC 3339 in UTC.
        before: All are older than this.
        bounds: What the asker is bound to, if to anything.
    """

    text: str
    now: str
    levels: tuple[str, ...]
    roles: tuple[str, ...]
    size: int
    seconds: float
    after: str | None = None
    before: str | None = None
    bounds: Bounds | None = None


class Page(Part, frozen=True, tag="page"):
    """Which records are they? The next `limit` of them beyond the one numbered `cursor`."""

    scope: Scope
    limit: int
    cursor: int | None = None
    newest_first: bool = True


class Facets(Part, frozen=True, tag="facets"):
    """How many of them have which value of each of these fields: the `most` frequent."""

    scope: Scope
    fields: tuple[str, ...]
    most: int


class Histogram(Part, frozen=True, tag="histogram"):
    """How many of them are there in each stretch of time, by the values of a field?"""

    scope: Scope
    buckets: int
    by: str | None = None


class Ways(Part, frozen=True):
    """Which flows: the `most`; with a dataset those from there on, or up to it, in few steps."""

    most: int
    dataset: str | None = None
    upstream: bool = False
    depth: int = 1


class Flows(Part, frozen=True, tag="flows"):
    """Which data goes from which system to which place?"""

    scope: Scope
    ways: Ways


class Pairing(Part, frozen=True, tag="pairing"):
    """What became of the decisions among them, by the `most` frequent values of a field?"""

    scope: Scope
    by: str
    most: int


Question = Page | Facets | Histogram | Flows | Pairing


class Seen(Part, frozen=True):
    """What an answer was found in.

    Attributes:
        first: Number of the first record that was looked at.
        end: Number behind the last one.
        lost: Stretches in between whose records cannot be read.
        cut: Why not all was looked at that there is: `time` or `memory`, else empty.
    """

    first: int
    end: int
    lost: tuple[tuple[int, int], ...] = ()
    cut: str = ""


class PageFound(Part, frozen=True, tag="page"):
    """Records by number, in the order asked for, with bytes that nobody has vouched for yet.

    `cursor` goes on from there, if there may be more.
    """

    seen: Seen
    records: tuple[tuple[int, bytes], ...]
    cursor: int | None = None


class Facet(Part, frozen=True):
    """The most frequent values of a field, each with its records.

    There are so many `others`, which the `rest` of the records have; the field has no value in the
    records `without`. If it was cut, these are those that were looked at.
    """

    field: str
    counts: tuple[tuple[str, int], ...]
    others: int
    rest: int
    without: int
    seen: Seen


class FacetsFound(Part, frozen=True, tag="facets"):
    """How many records they are, and what each field says of them."""

    seen: Seen
    records: int
    facets: tuple[Facet, ...]

    @property
    def rows(self) -> int:
        """How many counts."""
        return sum(len(each.counts) for each in self.facets)


class Bucket(Part, frozen=True):
    """The records from `start` on, for as long as a bucket is: how many, and by value.

    Rare values are not among the `counts`.
    """

    start: str
    records: int
    counts: tuple[tuple[str | None, int], ...]


class HistogramFound(Part, frozen=True, tag="histogram"):
    """Buckets in order of time, empty ones left out, each of so many seconds."""

    seen: Seen
    seconds: int
    buckets: tuple[Bucket, ...]

    @property
    def rows(self) -> int:
        """How many buckets."""
        return len(self.buckets)


class Flow(Part, frozen=True):
    """Decisions on one way of data: how many, how much was allowed, from when to when.

    `source` and `target` are each a kind and a name. `step` counts from the dataset asked about;
    `example` is the number of the newest record.
    """

    source: tuple[str, str]
    target: tuple[str, str]
    level: str | None
    categories: tuple[str, ...]
    allowed: int
    denied: int
    rows: int
    bytes: int
    first: str
    last: str
    example: int
    step: int = 0


class FlowsFound(Part, frozen=True, tag="flows"):
    """Flows, the busiest first, or step by step; `more` if there are others."""

    seen: Seen
    flows: tuple[Flow, ...]
    more: bool

    @property
    def rows(self) -> int:
        """How many flows."""
        return len(self.flows)


class Pair(Part, frozen=True):
    """Decisions with one value of a field, and what was reported of them.

    Of what was allowed, so many were `done`, `failed` or never reported on (`missing`); of what was
    denied, so many `ran_despite_deny`. `last` is when the newest was.
    """

    value: str | None
    allowed: int
    denied: int
    done: int
    failed: int
    missing: int
    ran_despite_deny: int
    last: str


class PairingFound(Part, frozen=True, tag="pairing"):
    """Pairs, those with most decisions first; `more` if there are others."""

    seen: Seen
    pairs: tuple[Pair, ...]
    more: bool

    @property
    def rows(self) -> int:
        """How many pairs."""
        return len(self.pairs)


class Refused(Part, frozen=True, tag="refused"):
    """The text cannot be read, or not by this asker; see `QueryRefused`."""

    code: str
    message: str
    column: int
    length: int
    expected: tuple[str, ...] = ()


class Failed(Part, frozen=True, tag="failed"):
    """It could not be answered."""

    why: str


Count = FacetsFound | HistogramFound | FlowsFound | PairingFound
Answer = PageFound | Count
Reply = Answer | Refused | Failed

_questions: msgspec.msgpack.Decoder[Question] = msgspec.msgpack.Decoder(Question)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def read_question(line: socket.socket) -> Question:
    """The next question.

    Raises:
        EOFError: the other end is closed.
    """
    return _questions.decode(read_message(line))


def reply_of(message: bytes) -> Reply:
    """The reply that a message is."""
    return _replies.decode(message)
