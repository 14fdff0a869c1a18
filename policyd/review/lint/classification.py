"""Lint of labels: parts that are milder than what they are part of."""

from collections.abc import Iterator

from policyd.model.labels import Vocabulary
from policyd.model.snapshot import Snapshot
from policyd.policy import layout
from policyd.review.lint.rule import OFF, WARNING, Hit, LintRule
from policyd.review.lint.subject import Subject


def milder(subject: Subject) -> Iterator[Hit]:
    """Datasets below another that have less than it has."""
    datasets, words = subject.snapshot.datasets, subject.snapshot.vocabulary
    for name, dataset in datasets.items():
        for parent in _above(subject.snapshot, name):
            whole = datasets[parent].label
            if dataset.label.joined(whole) != dataset.label:
                message = (
                    f"`{name}` is {_told(words, name, subject.snapshot)}, and `{parent}`, which "
                    f"it is a part of, is {_told(words, parent, subject.snapshot)}; raise it, or "
                    "name it outside"
                )
                path = ("datasets", name, "is")
                yield Hit(subject.place(layout.LABELS, path), message, f"dataset:{name}")


def _above(snapshot: Snapshot, name: str) -> Iterator[str]:
    """Datasets whose name a dataset's begins with."""
    parts = name.split("/")
    for end in range(2, len(parts)):
        parent = "/".join(parts[:end])
        if parent in snapshot.datasets:
            yield parent


def _told(words: Vocabulary, name: str, snapshot: Snapshot) -> str:
    return " ".join(words.words(snapshot.datasets[name].label))


RULES = (
    LintRule(
        id="PD603",
        name="child-below-parent",
        guardrails=WARNING,
        units=OFF,
        finds="a dataset that is milder than the one it is named as a part of",
        avoid="hris/employees:          {is: [restricted, personal]}\n"
        "hris/employees/photos:   {is: [internal]}",
        prefer="hris/employees/photos:   {is: [restricted, personal]}",
        why="`is` says the worst that is inside. Who copies the whole has the part as well, so one "
        "of the two lines is wrong, and the milder one is where data leaks.",
        check=milder,
    ),
)
