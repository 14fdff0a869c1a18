"""Lint of spelling: names and texts that look like others."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator

import idna

from policyd.policy import layout
from policyd.policy.documents import Document, Path
from policyd.review.lint.rule import ERROR, Hit, LintRule
from policyd.review.lint.subject import Subject

# What a reader takes for another letter in the fonts of terminals and editors.
_ALIKE = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("5", "s"), ("-", ""))
_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = str.maketrans(
    "авекмнорстухіјѕԁһԛԝАВЕКМНОРСТУХІЈЅνοαιΑΒΕΖΗΙΚΜΝΟΡΤΥΧօոս",
    "abekmhopctyxijsdhqwABEKMHOPCTYXIJSvoaiABEZHIKMNOPTYXons",
)
"""Cyrillic, Greek and Armenian letters that look like Latin ones."""
_APART = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"}
"""Scripts that no host of one owner mixes. Source: Unicode Technical Standard 39, section 5.2."""
_SECTIONS = (
    (layout.COMPANY, "owners"),
    (layout.COMPANY, "categories"),
    (layout.SYSTEMS, "connections"),
    (layout.LABELS, "datasets"),
    (layout.DESTINATIONS, "zones"),
    (layout.DESTINATIONS, "destinations"),
    (layout.CALENDAR, "hours"),
    (layout.CALENDAR, "freezes"),
)


def alike(subject: Subject) -> Iterator[Hit]:
    """Names and hosts that look like others, and words in letters of several scripts."""
    for file, section in _SECTIONS:
        names = _keys(subject, file, section)
        yield from _alike(subject, file, ((name, (section, name)) for name in names))
    yield from _parties(subject)
    yield from _hosts(subject)
    for file, source in subject.files.items():
        if not source.isascii() and file.endswith(".yaml"):
            yield from _mixed_words(subject.document(file))


def _keys(subject: Subject, file: str, section: str) -> list[str]:
    data = subject.document(file).data if file in subject.files else {}
    found = data.get(section, {}) if isinstance(data, dict) else {}
    return list(found) if isinstance(found, dict) else []


def _skeleton(name: str) -> str:
    """What all names have in common that look the same.

    >>> _skeleton("payro11"), _skeleton("e-rp"), _skeleton("forrnat")
    ('payroll', 'erp', 'format')
    """
    name = name.translate(_LETTERS)
    for seen, meant in _ALIKE:
        name = name.replace(seen, meant)
    return name


def _alike(subject: Subject, file: str, names: Iterable[tuple[str, Path]]) -> Iterator[Hit]:
    """Of names that look the same, all but the first."""
    first: dict[str, str] = {}
    for name, path in names:
        other = first.setdefault(_skeleton(name), name)
        if other != name:
            message = f"`{name}` looks like `{other}`: one is taken for the other; rename one"
            yield Hit(subject.place(file, path, key=True), message, f"{file} {name}")


def _parties(subject: Subject) -> Iterator[Hit]:
    """Roles, units and integrations share one space of names."""
    first: dict[str, str] = {}
    listed = [(name, layout.ROLES, ("roles", name)) for name in subject.snapshot.roles]
    listed += [(name, layout.COMPANY, ("units", name)) for name in subject.snapshot.units]
    for name, file, path in listed:
        other = first.setdefault(_skeleton(name), name)
        if other != name:
            message = f"`{name}` looks like `{other}`: one is taken for the other; rename one"
            yield Hit(subject.place(file, path, key=True), message, f"{file} {name}")
    for unit in subject.snapshot.units:
        file = f"{layout.UNITS}/{unit}/integrations.yaml"
        names = _keys(subject, file, "integrations")
        yield from _alike(subject, file, ((name, ("integrations", name)) for name in names))


def _hosts(subject: Subject) -> Iterator[Hit]:
    """Hosts of destinations that look like a host of another one, or mix scripts."""
    seen: dict[str, dict[str, tuple[str, Path]]] = defaultdict(dict)
    for name, entry in subject.tree.destinations.content.destinations.items():
        for index, host in enumerate(entry.hosts):
            path: Path = ("destinations", name, "hosts", index)
            shown = _shown(host.removeprefix("*."))
            at = subject.place(layout.DESTINATIONS, path)
            about = f"destination:{name} {host}"
            if any(_is_mixed(word) for word in _WORD.findall(shown)):
                message = f"`{host}` is shown as `{shown}`, in letters of several scripts"
                yield Hit(at, message, about)
            for other, (theirs, _) in seen[_skeleton(shown)].items():
                if other != shown and theirs != name:
                    message = f"`{shown}` looks like `{other}` of destination `{theirs}`"
                    yield Hit(at, message, about)
            seen[_skeleton(shown)].setdefault(shown, (name, path))


def _shown(host: str) -> str:
    """The host as a browser shows it."""
    try:
        return idna.decode(host) if "xn--" in host else host
    except idna.IDNAError:
        return host


def _mixed_words(document: Document) -> Iterator[Hit]:
    """Words of Latin letters and of such that only look like them."""
    for path, text in _texts(document.data, ()):
        for word in _WORD.findall(text):
            odd = [each for each in word if ord(each) in _LETTERS]
            if odd and any(each.isascii() for each in word):
                script = unicodedata.name(odd[0]).partition(" ")[0].capitalize()
                message = f"`{odd[0]}` in the word `{word}` is {script}, and looks like Latin"
                about = f"{' '.join(map(str, path))} {word}"
                yield Hit(document.place(path), message, about)


def _texts(data: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _texts(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _texts(value, (*path, index))


def _is_mixed(word: str) -> bool:
    """Whether the word has letters of scripts that nobody mixes; by their Unicode names."""
    return len({unicodedata.name(each, "").partition(" ")[0] for each in word} & _APART) > 1


RULES = (
    LintRule(
        id="PD706",
        name="confusable-name",
        guardrails=ERROR,
        units=ERROR,
        finds="a name or a host that looks like another one, and words that mix scripts",
        avoid="mail: {zone: processor, hosts: [relay.mail-host.example], reason: Mail.}\n"
        "mai1: {zone: open, hosts: [relay.mai1-host.example], reason: Mail.}",
        prefer="one name for one thing, and another for another",
        why="A reviewer reads what the eye expects. Characters that cannot be seen, or that turn "
        "the text around, are refused at load (`unprintable`).",
        check=alike,
    ),
)
