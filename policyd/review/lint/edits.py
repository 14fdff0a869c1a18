"""Edits: pieces of a policy file that are taken out, the rest staying byte for byte."""

from collections.abc import Iterable
from typing import NamedTuple

import yaml

from policyd.policy.documents import Path

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Edit(NamedTuple):
    """Characters `start` to `end` of a file become `text`; a byte order mark is not counted."""

    file: str
    start: int
    end: int
    text: str = ""


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text after *edits* of it; of two that overlap, the first alone is made."""
    after, at = [], 0
    for edit in sorted(set(edits), key=lambda each: (each.start, -each.end)):
        if edit.start >= at:
            after += [text[at : edit.start], edit.text]
            at = edit.end
    return "".join([*after, text[at:]])


def without(file: str, text: str, path: Path) -> Edit | None:
    """The edit that takes the key at *path* out of its map, with its value.

    The last key of a map leaves `{}`, since no key may be without a value. None where the text has
    no such key, or writes it in a way that no piece can be taken out of.
    """
    found = _entry(yaml.compose(text, Loader=_LOADER), path)
    if found is None:
        return None
    parent, at = found
    return _of_flow(file, parent, at) if parent.flow_style else _of_block(file, text, parent, at)


def _entry(node: yaml.Node | None, path: Path) -> tuple[yaml.MappingNode, int] | None:
    """The map in which *path* ends, and the number of its entry there."""
    for depth, step in enumerate(path):
        if not isinstance(node, yaml.MappingNode):
            return None
        keys = [key.value for key, _ in node.value]
        if step not in keys:
            return None
        at = keys.index(str(step))
        if depth == len(path) - 1:
            return node, at
        node = node.value[at][1]
    return None


def _of_block(file: str, text: str, parent: yaml.MappingNode, at: int) -> Edit:
    """Whole lines, from that of the key to the last of its value."""
    key, value = parent.value[at]
    start = text.rfind("\n", 0, key.start_mark.index) + 1
    end = _line_end(text, _last(value))
    if len(parent.value) > 1:
        return Edit(file, start, end)
    # The only entry: the map above has to have a value.
    return Edit(file, start, end, f"{text[start : key.start_mark.index]}{{}}\n")


def _of_flow(file: str, parent: yaml.MappingNode, at: int) -> Edit:
    """The entry with the comma before or after it."""
    pairs = parent.value
    start, end = pairs[at][0].start_mark.index, pairs[at][1].end_mark.index
    if at + 1 < len(pairs):
        end = pairs[at + 1][0].start_mark.index
    elif at:
        start = pairs[at - 1][1].end_mark.index
    return Edit(file, start, end)


def _last(node: yaml.Node) -> int:
    """Where the last scalar or bracket of a value ends; a block ends with what is in it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last(last[1] if isinstance(last, tuple) else last)
    index: int = node.end_mark.index
    return index


def _line_end(text: str, at: int) -> int:
    """The start of the next line, or the end of the text."""
    if at and text[at - 1] == "\n":
        return at  # a block scalar ends with its line
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1
