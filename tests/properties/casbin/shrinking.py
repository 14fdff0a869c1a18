"""The least of a case that still goes wrong."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.properties.casbin.case import Case

_PARTS = ("questions", "lines", "setup", "sections")


def shrink(case: Case, is_wrong: Callable[[Case], bool]) -> Case:
    """*case* without whatever it takes not to be wrong."""
    smaller = next((each for each in _smaller(case) if is_wrong(each)), None)
    return case if smaller is None else shrink(smaller, is_wrong)


def _smaller(case: Case) -> Iterator[Case]:
    """*case* without one of its parts, or without the half of some."""
    for name in _PARTS:
        part = getattr(case, name)
        least = 1 if name == "sections" else 0
        for size in (len(part) // 2, 1):
            for start in range(0, len(part), size or 1):
                left = (*part[:start], *part[start + size :])
                if least <= len(left) < len(part):
                    changed: dict[str, Any] = {name: left}
                    yield replace(case, **changed)
    for section in case.sections:
        joined = section.matcher.split(" && ")
        for i in range(len(joined) if len(joined) > 1 else 0):
            matcher = " && ".join([*joined[:i], *joined[i + 1 :]])
            others = tuple(each for each in case.sections if each is not section)
            yield replace(case, sections=(replace(section, matcher=matcher), *others))
