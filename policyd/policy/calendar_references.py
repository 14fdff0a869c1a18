"""Whether the stretches of the calendar run forwards."""

from collections.abc import Iterator

from policyd.model.findings import Finding
from policyd.policy import times
from policyd.policy.names import Names
from policyd.policy.tree import Tree


def calendar_findings(tree: Tree, names: Names) -> Iterator[Finding]:
    """Everything wrong with guardrails/calendar.yaml."""
    read = tree.calendar
    yield from names.owners.check(read, ("owner",), read.content.owner)
    for name, spans in read.content.freezes.items():
        for index, span in enumerate(spans):
            if times.start(span.from_) >= times.end(span.until):
                message = f"`{span.until}` is not after `{span.from_}`; swap them"
                path = ("freezes", name, index, "until")
                yield read.finding(path, "span-backwards", message)
