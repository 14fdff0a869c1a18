"""Whether datasets have systems, labels that exist, and a home that may hold them."""

from collections.abc import Iterator

from policyd.model.findings import Finding
from policyd.model.labels import Vocabulary
from policyd.policy import layout
from policyd.policy.build_places import label, vocabulary
from policyd.policy.documents import Path
from policyd.policy.guardrail_shapes import DatasetEntry
from policyd.policy.names import Names
from policyd.policy.place_shapes import FlowRow
from policyd.policy.tree import Tree
from policyd.policy.wording import did_you_mean


def data_findings(tree: Tree, names: Names) -> Iterator[Finding]:
    """Everything wrong with guardrails/labels.yaml."""
    read = tree.labels
    yield from names.owners.check(read, ("owner",), read.content.owner)
    words = vocabulary(tree)
    for name, entry in read.content.datasets.items():
        system = name.partition("/")[0]
        if not names.systems.has(system):
            near = did_you_mean(system, names.systems.names or ())
            message = f"{layout.SYSTEMS} has no system `{system}`{near}"
            path: Path = ("datasets", name)
            yield read.finding(path, "dataset-without-system", message, key=True)
        unknown = list(_marks(tree, names, name, entry))
        yield from unknown
        if not unknown and names.levels.names and names.categories.names is not None:
            yield from _fields(tree, words, name, entry)
            yield from _home(tree, words, name, entry)


def _marks(tree: Tree, names: Names, name: str, entry: DatasetEntry) -> Iterator[Finding]:
    """Every word of every mark is declared: a level first, then categories."""
    path = ("datasets", name)
    marks: list[tuple[Path, list[str]]] = [((*path, "is"), entry.is_)]
    marks += [((*path, "fields", field), mark) for field, mark in (entry.fields_ or {}).items()]
    for where, mark in marks:
        if names.categories.names and mark[0] in names.categories.names:
            message = f"`{mark[0]}` is a category; the level stands first"
            yield tree.labels.finding((*where, 0), "undeclared-label", message)
        else:
            yield from names.levels.check(tree.labels, (*where, 0), mark[0])
        for index, word in enumerate(mark[1:], start=1):
            yield from names.categories.check(tree.labels, (*where, index), word)


def _fields(tree: Tree, words: Vocabulary, name: str, entry: DatasetEntry) -> Iterator[Finding]:
    """No field has more than its dataset, whose line says the worst."""
    whole = label(words, entry.is_)
    for field, mark in (entry.fields_ or {}).items():
        if whole.joined(label(words, mark)) != whole:
            message = f"field `{field}` has more than its dataset; raise `is` of `{name}`"
            yield tree.labels.finding(
                ("datasets", name, "fields", field), "field-above-dataset", message
            )


def _home(tree: Tree, words: Vocabulary, name: str, entry: DatasetEntry) -> Iterator[Finding]:
    """A system holds only what its own zone takes untouched."""
    places = tree.destinations.content
    home = places.destinations.get(name.partition("/")[0])
    row = places.flow.get(home.zone) if home else None
    if home is None or row is None or row.clearance not in words.levels:
        return
    problem = _unfit(row, words, entry)
    if problem:
        message = f"`{name}` may not rest in zone `{home.zone}`, where its system stands: {problem}"
        yield tree.labels.finding(("datasets", name, "is"), "data-unfit-for-zone", message)


def _unfit(row: FlowRow, words: Vocabulary, entry: DatasetEntry) -> str:
    whole, cells = label(words, entry.is_), row.model_extra or {}
    touched = sorted(each for each in whole.categories if cells.get(each, "pass") != "pass")
    if touched:
        return f"the flow table says `{cells[touched[0]]}` for {touched[0]}"
    if whole.rank > words.levels.index(row.clearance):
        return f"it is {entry.is_[0]}, and the zone is cleared for {row.clearance}"
    return ""
