"""Found: what the log answers, as lines and rows for people and spreadsheets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from policyd.cli.layout import bar, say_rows, say_text, shades, width
from policyd.cli.output import say

Body: TypeAlias = Mapping[str, Any]

_USUAL = 80  # columns of bars where nothing says how many there are
_BAR = 40  # columns of the longest bar
_HEAD = ("INDEX", "TIME", "WHAT", "WHO", "ACTION", "DATA", "TO", "LABEL", "WHY")
_FLOW_HEAD = ("FROM", "TO", "LABEL", "ALLOWED", "DENIED", "ROWS", "FIRST", "LAST", "EXAMPLE")
_PAIR_HEAD = ("ALLOWED", "DENIED", "DONE", "FAILED", "MISSING", "RAN DESPITE DENY", "LAST")


def say_records(entries: Sequence[Body]) -> None:
    """Print records in rows."""
    say_rows(_HEAD, [record_row(each) for each in entries])


def record_row(entry: Body) -> tuple[str, ...]:
    """What a person wants to know first of a record: when, what, who, which data, where, why."""
    record = entry["record"]
    call = record.get("call", {})
    place = call.get("destination", {})
    to = place.get("name") or place.get("canonical") or place.get("sent") or ""
    why = " ".join(dict.fromkeys(each["code"] for each in record.get("reasons", ())))
    return (
        str(entry["index"]),
        moment(record["ts"]),
        _what(record),
        call.get("subject") or record.get("by") or record.get("caller", {}).get("key", ""),
        call.get("action", ""),
        call.get("dataset", ""),
        to,
        " ".join(call.get("labels", {}).get("effective", ())),
        why or _why(record),
    )


def _what(record: Body) -> str:
    """The answer of a decision, the status of an outcome, or the kind of another record."""
    if record["kind"] == "decision":
        would = f", would {record['would']}" if record.get("would") else ""
        return f"{record['decision']}{would}"
    if record["kind"] == "outcome":
        return str(record["status"])
    return str(record["kind"])


def _why(record: Body) -> str:
    """What a record without reasons says of itself, in a line."""
    parts = [
        record.get(each)
        for each in ("act", "target", "name", "error", "ask", "text", "reason", "snapshot")
    ]
    if record["kind"] == "outcome" and "index" in record:
        parts.append(f"of record {record['index']}")
    return " ".join(str(each) for each in parts if each)


def moment(ts: str) -> str:
    """A time as people read it, to the second, in UTC.

    >>> moment("2026-11-20T10:00:00.000001Z")
    '2026-11-20 10:00:00'
    """
    return ts[:19].replace("T", " ")


def say_facets(body: Body) -> None:
    """Print the values of each field with their counts and bars."""
    say(f"{body['records']:,} records", "bold")
    for facet in body["facets"]:
        say("")
        say(facet["field"], "bold")
        counts = [(_named(each["value"]), each["records"]) for each in facet["counts"]]
        if facet["without"]:
            counts.append((NONE, facet["without"]))
        _say_bars(counts)
        if facet["other_values"]:
            say(f"  and {facet['other_values']:,} other values")
        if facet.get("cut"):
            seen = facet["searched"]
            say_text(
                f"  only of records {seen['first']} to {seen['end'] - 1}: out of {facet['cut']}"
            )


NONE = "(none)"
"""What stands for a record without the field."""


def _named(value: str | None) -> str:
    return NONE if value is None else value


def _say_bars(counts: Sequence[tuple[str, int]]) -> None:
    """Names with their counts and bars of one scale; names that are long have their own lines."""
    room = width() or _USUAL
    most = max((count for _, count in counts), default=0)
    digits = len(f"{most:,}")
    longest = max((len(name) for name, _ in counts), default=0)
    is_beside = longest + digits + _SHORTEST + 6 <= room
    left = min(room - digits - 6 - (longest if is_beside else 0), _BAR)
    for name, count in counts:
        line = f"{count:>{digits},}  {bar([count], most, left, shades(1))}".rstrip()
        say(f"  {name:{longest}}  {line}" if is_beside else f"  {name}")
        if not is_beside:
            say(f"    {line}")


_SHORTEST = 10  # columns of a bar that says something


def say_histogram(body: Body, by: str | None) -> None:
    """Print a bar for each stretch of time, with a sign for each value beside the colour."""
    buckets = body["buckets"]
    values = _values(buckets)
    signs = shades(max(len(values), 1))
    most = max((each["records"] for each in buckets), default=0)
    if by:
        legend = (f"{sign} {value}" for sign, value in zip(signs, values, strict=True))
        say_text(f"{by}: " + "  ".join(legend))
    say_text(f"each line is {_span(body['seconds'])}; those without records are left out")
    digits = len(f"{most:,}")
    written = 10 if body["seconds"] % _DAY == 0 else 16 if body["seconds"] % _MINUTE == 0 else 19
    room = (width() or _USUAL) - written - digits - 4
    for each in buckets:
        line = bar(_parts(each, values), most, room, signs)
        say(f"{moment(each['start'])[:written]}  {each['records']:>{digits},}  {line}")


OTHERS = "others"


def _values(buckets: Sequence[Body]) -> list[str]:
    """The values that have a sign of their own, most frequent first, and one for all others."""
    sums: dict[str, int] = {}
    for each in buckets:
        for count in each["counts"]:
            name = _named(count["value"])
            sums[name] = sums.get(name, 0) + count["records"]
    total = sum(each["records"] for each in buckets)
    if not sums:
        return []
    named = sorted(sums, key=lambda name: (-sums[name], name))
    if len(named) > _SIGNS or sum(sums.values()) < total:
        return [*named[: _SIGNS - 1], OTHERS]
    return named


_SIGNS = 4


def _parts(bucket: Body, values: Sequence[str]) -> list[int]:
    """How much of a bucket each value has."""
    if not values:
        return [bucket["records"]]
    counts = {_named(each["value"]): each["records"] for each in bucket["counts"]}
    named = [counts.get(value, 0) for value in values if value != OTHERS]
    rest = [bucket["records"] - sum(named)] if values[-1] == OTHERS else []
    return [*named, *rest]


_DAY, _MINUTE = 86_400, 60


def _span(seconds: int) -> str:
    """So many seconds in words.

    >>> _span(3600), _span(172800), _span(90)
    ('1 hour', '2 days', '90 seconds')
    """
    for name, length in (("day", _DAY), ("hour", 3_600), ("minute", _MINUTE)):
        if seconds % length == 0:
            count = seconds // length
            return f"{count:,} {name}{'' if count == 1 else 's'}"
    return f"{seconds:,} second{'' if seconds == 1 else 's'}"


def say_flows(body: Body) -> None:
    """Print flows, from where to where."""
    has_steps = any(each.get("step") for each in body["flows"])
    head = ("STEP", *_FLOW_HEAD) if has_steps else _FLOW_HEAD
    say_rows(head, [flow_row(each, has_steps=has_steps) for each in body["flows"]])


def flow_row(flow: Body, *, has_steps: bool) -> tuple[str, ...]:
    """A flow in cells."""
    ends = (f"{flow[each]['kind']} {flow[each]['name']}" for each in ("source", "target"))
    row = (
        *ends,
        " ".join([flow["level"] or "", *flow["categories"]]).strip(),
        *(f"{flow[each]:,}" for each in ("allowed", "denied", "rows")),
        *(moment(flow[each]) for each in ("first", "last")),
        str(flow["example"]),
    )
    return (str(flow.get("step", "")), *row) if has_steps else row


def say_pairs(body: Body, by: str) -> None:
    """Print what became of decisions."""
    say_rows((by.upper(), *_PAIR_HEAD), [_pair(each) for each in body["pairs"]])


def _pair(pair: Body) -> tuple[str, ...]:
    names = ("allowed", "denied", "done", "failed", "missing", "ran_despite_deny")
    counts = (f"{pair[each]:,}" for each in names)
    return (_named(pair["value"]), *counts, moment(pair["last"]))


def cells(body: Body, name: str) -> tuple[Sequence[str], Iterable[Sequence[object]]]:
    """The head and rows of an answer that counts, for a spreadsheet."""
    if name == "facets":
        rows = (
            (facet["field"], each["value"], each["records"])
            for facet in body["facets"]
            for each in facet["counts"]
        )
        return ("field", "value", "records"), rows
    if name == "histogram":
        return ("start", "value", "records"), _histogram_cells(body["buckets"])
    if name == "pairing":
        head = tuple(_PAIR_NAMES)
        return head, ([each[name] for name in head] for each in body["pairs"])
    return _FLOW_NAMES, map(_flow_cells, body["flows"])


_PAIR_NAMES = (
    *("value", "allowed", "denied", "done", "failed", "missing", "ran_despite_deny", "last"),
)
_FLOW_NAMES = (
    *("step", "source_kind", "source", "target_kind", "target", "level", "categories"),
    *("allowed", "denied", "rows", "bytes", "first", "last", "example"),
)


def _histogram_cells(buckets: Sequence[Body]) -> Iterable[Sequence[object]]:
    for each in buckets:
        counted = 0
        for count in each["counts"]:
            counted += count["records"]
            yield each["start"], count["value"], count["records"]
        if not each["counts"]:
            yield each["start"], None, each["records"]
        elif counted < each["records"]:
            yield each["start"], OTHERS, each["records"] - counted


def _flow_cells(flow: Body) -> Sequence[object]:
    ends = [flow[end][part] for end in ("source", "target") for part in ("kind", "name")]
    rest = [flow[name] for name in _FLOW_NAMES[7:]]
    return [flow.get("step", 0), *ends, flow["level"], flow["categories"], *rest]
