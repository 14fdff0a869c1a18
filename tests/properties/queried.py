"""Queries, drawn as their text from what the language has; each of them can be read."""

from collections.abc import Sequence
from random import Random  # noqa: TID251 - seeded, and handed in

from policyd.search.fields import FIELDS, ORDERED, STARRED, Field, Kind
from tests.properties import logged

_TIMES = [
    *("2026-03-01", "2026-03-02", "2026-03", "2026-03-01T23:59", "2026-03-01T23:59:59", "today"),
    *("2026-03-01T23:59:59.000001Z", "2026-03-02T01:00+01:00", "-1d", "-20d", "-90s", "now"),
]
_NETWORKS = [
    *("10.20.0.0/16", "10.20.0.1", "10.16.0.0/13", "0.0.0.0/0", "::/0", "fd00::/8", "::1"),
    *("fe80::/10", "192.0.2.0/31", "2001:db8::/33", "::ffff:10.20.0.0/112"),
]
_WORDS = {
    "host": ["example", "mailer.example", "fd00::1", "10.20.0.1"],
    "endpoint": logged.URLS,
    "trace": [*logged.TRACES, "4bf92f3577b34da6a3ce929d0e0e4736", "b"],
    "action": logged.WORDS["action"],
    "obligation": logged.WORDS["type"],
    "on-behalf-of": ["user:ann", "person:bob", "ann"],
    "label": [*logged.LEVELS, "personal", "top-secret"],
    "category": ["personal", "payment"],
    "asserted": ["health"],
    "anywhere": [*logged.URLS, *logged.TRACES, "customers", "example", "s"],
}


_SINCE = ["after:2026-03-02", "before:2026-04-02T12:00Z", "time:2026-03-05..2026-05"]
_NUMBERS = [str(number) for number in logged.NUMBERS]
_POOLS = {Kind.NUMBER: _NUMBERS, Kind.TIME: _TIMES, Kind.ADDRESS: _NETWORKS}


def quoted(text: str) -> str:
    """A text as a query has it in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Asking:
    """Draws queries whose values are often words of *vocabulary*, or *ids*."""

    def __init__(self, random: Random, vocabulary: Sequence[str], ids: Sequence[str]) -> None:
        self._random = random
        self._vocabulary = vocabulary
        ids = ids or ["no-id"]
        self._words = _WORDS | {"id": ids, "anywhere": [*_WORDS["anywhere"], *ids[:9]]}

    def query(self) -> str:
        """The text of a query: often of one term, sometimes of several."""
        if self._chance(0.5):
            return self._signed(self._term())
        return " ".join(self._part(2) for _ in range(self._random.randrange(3)))

    def _part(self, depth: int) -> str:
        if not depth or self._chance(0.4):
            return self._signed(self._term())
        link = self._random.choice([" AND ", " OR ", " "])
        parts = [self._part(depth - 1) for _ in range(self._random.randrange(1, 4))]
        return self._signed(f"({link.join(parts)})")

    def _signed(self, part: str) -> str:
        return self._random.choice(["", "", "", "-", "NOT "]) + part

    def _term(self) -> str:
        field = self._random.choice([*FIELDS.values()])
        if field.kind is Kind.ANYWHERE:
            return quoted(self._random.choice(self._pool(field)))
        if field.kind in ORDERED and self._chance(0.6):
            return self._ordered(field)
        if self._chance(0.1):
            return f"{field.name}:*"
        if self._chance(0.8):
            return f"{field.name}:{self._value(field)}"
        link = self._random.choice([" ", " OR ", " AND "])
        return f"{field.name}:({link.join(self._value(field) for _ in range(2))})"

    def _ordered(self, field: Field) -> str:
        if field.kind is Kind.TIME and self._chance(0.2):
            return self._random.choice(_SINCE)
        pool = _POOLS.get(field.kind, list(logged.LEVELS))
        low = self._random.randrange(len(pool))
        if field.kind is not Kind.TIME and self._chance(0.3):
            return f"{field.name}:{pool[low]}..{self._random.choice(pool[low:])}"
        return f"{field.name}{self._random.choice(['>=', '>', '<=', '<'])}{pool[low]}"

    def _value(self, field: Field) -> str:
        text = self._random.choice(self._pool(field))
        if field.kind in STARRED and self._chance(0.3):
            cut = self._random.randint(1, len(text))
            return self._random.choice([f"{quoted(text[:cut])}*", f"*{quoted(text[-cut:])}"])
        bare = text.replace("/", "").replace("-", "").replace(":", "")
        is_plain = bare.isalnum() and bare != "OR"
        if field.kind is Kind.TEXT and not (is_plain and self._chance(0.5)):
            return quoted(text)
        return text

    def _pool(self, field: Field) -> Sequence[str]:
        pool: Sequence[str] = field.words or _POOLS.get(field.kind, ())
        pool = pool or self._words.get(field.name) or self._vocabulary
        return [each for each in pool if each]

    def _chance(self, part: float) -> bool:
        return self._random.random() < part
