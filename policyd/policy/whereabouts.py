"""Where things are written, so that whoever asks can go and look."""

from collections.abc import Iterator, Mapping

from policyd.model.rules import Place
from policyd.policy.documents import Document, Path
from policyd.policy.tree import Tree


def places_of(tree: Tree) -> Mapping[str, Place]:
    """The place of each thing that an explanation names and that is not a rule."""
    found = dict(_places(tree))
    return {ref: document.place(path, key=True) for ref, (document, path) in found.items()}


def _places(tree: Tree) -> Iterator[tuple[str, tuple[Document, Path]]]:
    listed, company = tree.destinations, tree.company
    for name in listed.content.destinations:
        yield f"destination:{name}", (listed.document, ("destinations", name))
    for name in listed.content.zones:
        yield f"zone:{name}", (listed.document, ("zones", name))
    for name in tree.exemptions.content.exemptions:
        yield f"exemption:{name}", (tree.exemptions.document, ("exemptions", name))
    for unit, files in tree.units.items():
        for name in files.integrations.content.integrations:
            document = files.integrations.document
            yield f"integration:{unit}/{name}", (document, ("integrations", name))
    yield "rollout:company", (company.document, ("rollout",))
    for name in company.content.units:
        yield f"rollout:{name}", (company.document, ("units", name, "rollout"))
