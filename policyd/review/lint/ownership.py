"""Lint of ownership: things for which nobody answers any more."""

from collections.abc import Iterator

from policyd.model.rules import Place
from policyd.policy.documents import Document, Path
from policyd.review.lint.rule import WARNING, Hit, LintRule
from policyd.review.lint.subject import Subject

_WORDS = ("owner", "mode_owner", "approval")


def inactive(subject: Subject) -> Iterator[Hit]:
    """Everything whose owner has left."""
    gone = {
        name
        for name, each in subject.snapshot.owners.items()
        if each.inactive_from and each.inactive_from <= subject.clock
    }
    if not gone:
        return
    for file in subject.files:
        if file.endswith(".yaml"):
            document = subject.document(file)
            for path, owner in _named(document.data, ()):
                if owner in gone:
                    yield Hit(*_told(subject, document, path, owner))


def _named(data: object, path: Path) -> Iterator[tuple[Path, str]]:
    """Every owner in a document, and where."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key in _WORDS and isinstance(value, str):
                yield (*path, key), value
            else:
                yield from _named(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _named(value, (*path, index))


def _told(subject: Subject, document: Document, path: Path, owner: str) -> tuple[Place, str, str]:
    since = subject.snapshot.owners[owner].inactive_from
    message = f"`{owner}` has been gone since {since:%Y-%m-%d}, so nobody answers for it"
    deputy = _beside(document.data, path).get("deputy")
    if deputy:
        message = f"`{owner}` has been gone since {since:%Y-%m-%d}; `{deputy}` stands in"
    about = " ".join(str(each) for each in path)
    return document.place(path), f"{message}; name someone else", about


def _beside(data: object, path: Path) -> dict[str, object]:
    """The map in which *path* ends."""
    for step in path[:-1]:
        if isinstance(data, dict):
            data = data[step]
    return data if isinstance(data, dict) else {}


RULES = (
    LintRule(
        id="PD503",
        name="inactive-owner",
        guardrails=WARNING,
        units=WARNING,
        finds="a rule, system, integration or file whose owner has left",
        avoid="# in policyd.yaml\n"
        "campaign-agency: {contact: campaigns@halmfeld.example, inactive_from: 2026-02-28}\n"
        "# in an integrations.yaml\nowner: campaign-agency",
        prefer="owner: sales-apps",
        why="A refusal names the owner as whom to ask, and a change waits for the owner's yes. An "
        "integration whose owner and deputy are gone stops after the days of grace. An owner that "
        "nobody declares is refused at load.",
        check=inactive,
    ),
)
