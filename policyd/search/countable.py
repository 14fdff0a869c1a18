"""Countable: fields whose values can be counted, and the column that each is counted by."""

from policyd.search.fields import FIELDS, Kind

_KINDS = frozenset({Kind.TEXT, Kind.WORD, Kind.LEVEL})

COLUMNS = {name: each.columns[0] for name, each in FIELDS.items() if each.kind in _KINDS} | {
    "address": "address"
}
"""By the name of the field: the first column it looks in, or the one that people can read."""

COUNTABLE = tuple(COLUMNS)
