"""Which files a policy tree has, what each of them is, and what may lie beside them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from policyd.model.findings import Finding
from policyd.policy.wording import nearest

COMPANY = "policyd.yaml"
ACCESS = "guardrails/access.yaml"
ROLES = "guardrails/roles.yaml"
SYSTEMS = "guardrails/systems.yaml"
LABELS = "guardrails/labels.yaml"
DESTINATIONS = "guardrails/destinations.yaml"
CALENDAR = "guardrails/calendar.yaml"
PROMOTIONS = "guardrails/promotions.yaml"
EXEMPTIONS = "guardrails/exemptions.yaml"
MODEL = "guardrails/model.conf"
TEMPLATES = "guardrails/templates"
UNITS = "units"
REQUIRED = (COMPANY, MODEL, ACCESS, ROLES, SYSTEMS, LABELS, DESTINATIONS, CALENDAR)
OPTIONAL = (PROMOTIONS, EXEMPTIONS)
UNIT_FILES = ("unit.yaml", "access.yaml", "integrations.yaml")

_NAME = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_TEMPLATE = re.compile(f"{TEMPLATES}/({_NAME})\\.yaml")
_UNIT = re.compile(f"{UNITS}/{_NAME}")
_UNIT_FILE = re.compile(f"{UNITS}/({_NAME})/(?:{'|'.join(map(re.escape, UNIT_FILES))})")
_OPENED = re.compile(f"guardrails|{TEMPLATES}|{UNITS}|{UNITS}/[^/]+")
# Policy tests, schemas and prose may lie in the tree; they decide nothing.
_SUITE = re.compile(f"(?:{UNITS}/[^/]+/)?tests/[^/]*_test\\.yaml")
_CALLS = re.compile(f"(?:{UNITS}/[^/]+/)?tests/calls\\.yaml")
_TO_SUITES = re.compile(f"tests|{UNITS}|{UNITS}/[^/]+|{UNITS}/[^/]+/tests")
_BESIDE = re.compile(r"(?:.*/)?\.[^/]*|tests|schemas|units/[^/]+/tests|.*\.md|CODEOWNERS")


def decides(path: str) -> bool:
    """Whether *path*, relative to the root, is one of the files that decide."""
    is_fixed = path in REQUIRED or path in OPTIONAL
    return is_fixed or bool(_TEMPLATE.fullmatch(path) or _UNIT_FILE.fullmatch(path))


def lies_beside(path: str) -> bool:
    """Whether *path* is, or is in, something that may lie in a tree without deciding anything."""
    parts = path.split("/")
    return any(_BESIDE.fullmatch("/".join(parts[:end])) for end in range(1, len(parts) + 1))


def is_opened(folder: str) -> bool:
    """Whether files that decide may be in *folder*."""
    return bool(_OPENED.fullmatch(folder))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of a tree is read: each question is about a path relative to its root."""

    takes: Callable[[str], bool]  # a file that is read
    opens: Callable[[str], bool]  # a folder that may have such files
    skips: Callable[[str], bool]  # neither, and rightly there


def is_suite(path: str) -> bool:
    """Whether *path*, relative to the root, is a file of policy tests."""
    return bool(_SUITE.fullmatch(path))


def is_of_tests(path: str) -> bool:
    """Whether *path* is a file of policy tests, or one of calls that they share."""
    return is_suite(path) or is_calls(path)


def is_calls(path: str) -> bool:
    """Whether *path* is a file of calls that the suites of its folder share."""
    return bool(_CALLS.fullmatch(path))


def calls_beside(suite: str) -> str:
    """The path of the calls that the suites in the folder of *suite* share."""
    return f"{suite.rpartition('/')[0]}/calls.yaml"


def leads_to_suites(folder: str) -> bool:
    """Whether files of policy tests may be in *folder* or below."""
    return bool(_TO_SUITES.fullmatch(folder))


DECIDING = Selection(decides, is_opened, lies_beside)
SUITES = Selection(
    is_of_tests, leads_to_suites, lambda path: not is_of_tests(path) and not leads_to_suites(path)
)


def templates(paths: Mapping[str, object]) -> dict[str, str]:
    """The file of each template by its name, in order."""
    found = ((_TEMPLATE.fullmatch(path), path) for path in sorted(paths))
    return {match[1]: path for match, path in found if match}


def units(paths: Mapping[str, object]) -> tuple[str, ...]:
    """Units that have a file in the tree, in order."""
    found = {match[1] for match in map(_UNIT_FILE.fullmatch, paths) if match}
    return tuple(sorted(found))


def misplaced(paths: Mapping[str, object]) -> Iterator[Finding]:
    """Files that every tree has and this one has not, and files that would decide nothing."""
    for path in REQUIRED:
        if path not in paths:
            yield Finding(
                path, 1, 1, "missing-file", f"there is no file `{path}`; every tree has it"
            )
    for unit in units(paths):
        for name in UNIT_FILES:
            path = f"{UNITS}/{unit}/{name}"
            if path not in paths:
                message = f"there is no file `{path}`; every unit has it"
                yield Finding(path, 1, 1, "missing-file", message)
    for path in sorted(paths):
        if not decides(path) and not lies_beside(path.rstrip("/")):
            message = f"`{path}` would decide nothing{_better(path)}"
            yield Finding(path, 1, 1, "unexpected-file", message)


def _better(path: str) -> str:
    folder, _, name = path.rstrip("/").rpartition("/")
    if folder == TEMPLATES:
        return "; a template is a file `<name>.yaml`, named in lower case with hyphens"
    if folder == UNITS or (folder.startswith(f"{UNITS}/") and not _UNIT.fullmatch(folder)):
        return "; a unit is a folder, named in lower case with hyphens, with its three files"
    return nearest(name, _expected(folder)) or "; remove it"


def _expected(folder: str) -> set[str]:
    if folder.startswith(f"{UNITS}/"):
        return set(UNIT_FILES)
    if folder == "guardrails":
        fixed = {each.rpartition("/")[2] for each in (*REQUIRED, *OPTIONAL)}
        return {*fixed, "templates"} - {COMPANY}
    return {COMPANY, "guardrails", UNITS} if not folder else set()
