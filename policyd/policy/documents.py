"""One policy file as plain data, with the position of every key and value.

The text is read event by event and nothing is ever expanded, so a bomb of aliases costs no more
than its own bytes.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml

from policyd.model.findings import Finding
from policyd.model.rules import Place
from policyd.policy.scalars import plain
from policyd.policy.wording import quoted

MAX_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 32
MAX_UNPRINTABLE = 20  # findings of that kind in one file, which may be a picture by mistake
REFUSED = object()
"""Stands in the data for a value that already has a finding."""

Path = tuple[str | int, ...]
"""Keys and indices that lead from the top of a document to a value."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Control characters; other line ends than LF and CR LF, which editors count differently; marks
# that reorder the text on a reviewer's screen; a byte order mark in the middle; non-characters.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ufeff\ufffe\uffff]|\r(?!\n)"
)


@dataclass(slots=True)
class Node:
    """Where a value starts, and the same for what is in it; lines and columns count from 1."""

    line: int
    column: int
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    children: "dict[str | int, Node]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """The data of one file: str, int, float, bool, list, dict or `REFUSED`, never None.

    `is_usable` is false where the file could not be read as a whole.
    """

    file: str
    data: object
    root: Node
    is_usable: bool

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Where the value at *path*, or with `key` its key, starts; as near as there is one."""
        if not path:
            return Place(self.file, 1, 1)
        node = self.root
        for step in path[:-1]:
            node = node.children.get(step, node)
        last = path[-1]
        if key and isinstance(last, str) and last in node.keys:
            return Place(self.file, *node.keys[last])
        found = node.children.get(last, node)
        return Place(self.file, found.line, found.column)

    def finding(self, path: Path, code: str, message: str, *, key: bool = False) -> Finding:
        """A finding about the value at *path*, or with `key` about its key."""
        place = self.place(path, key=key)
        return Finding(self.file, place.line, place.column, code, message)


def blank(file: str) -> Document:
    """The document of a file that cannot be used."""
    return Document(file, {}, Node(1, 1), is_usable=False)


def read(file: str, source: bytes) -> tuple[Document, list[Finding]]:
    """The document in *source*, and all that is wrong with it as text."""
    text, findings = decode(file, source)
    if findings:
        return blank(file), findings
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        builder.refuse_syntax(error)
    except _StopReadingError:
        pass
    return builder.document(), builder.findings


def decode(file: str, source: bytes) -> tuple[str, list[Finding]]:
    """The text of a file, or what is wrong with its bytes."""
    if len(source) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB; split it or shorten it"
        return "", [Finding(file, 1, 1, "file-too-large", message)]
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _position(source[: error.start].decode("utf-8", "replace"))
        message = f"byte {source[error.start]:#04x} is not UTF-8; save the file as UTF-8"
        return "", [Finding(file, line, column, "not-utf-8", message)]
    return text, list(_unprintable(file, text))


def _unprintable(file: str, text: str) -> Iterator[Finding]:
    for found in islice(_UNPRINTABLE.finditer(text), MAX_UNPRINTABLE):
        line, column = _position(text[: found.start()])
        message = f"the character U+{ord(found[0]):04X} cannot be seen; remove it"
        yield Finding(file, line, column, "unprintable", message)


def _position(before: str) -> tuple[int, int]:
    """Line and column after the text *before*."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _place_of(mark: Any) -> tuple[int, int]:  # noqa: ANN401 - libyaml's marks have a class of their own
    """Line and column of a mark, from 1; the start of the file if there is none."""
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


class _StopReadingError(Exception):
    """The rest of the file is not worth reading; a finding says why."""


@dataclass(slots=True)
class _Frame:
    """A map or list that is being read; `key` is the key whose value comes next."""

    data: dict[str, object] | list[object]
    node: Node
    key: str | None = None
    drops_next: bool = False  # the next value belongs to a key that was refused


class _Builder:
    """Takes parser events and builds data and positions."""

    def __init__(self, file: str) -> None:
        self.findings: list[Finding] = []
        self._file = file
        self._documents = 0
        self._root: tuple[object, Node] | None = None
        self._is_whole = True
        self._stack: list[_Frame] = []

    def take(self, event: yaml.Event) -> None:
        """Add what *event* says."""
        taker = _TAKERS.get(type(event))
        if taker:
            taker(self, event)

    def document(self) -> Document:
        """What was built."""
        if self._root is None or not self._is_whole:
            if not self.findings:
                self._find(1, 1, "no-value", "the file is empty")
            return blank(self._file)
        data, node = self._root
        return Document(self._file, data, node, is_usable=True)

    def refuse_syntax(self, error: yaml.MarkedYAMLError) -> None:
        """Note where the text stops being YAML."""
        line, column = _place_of(error.problem_mark or error.context_mark)
        words = ", ".join(each for each in (error.problem, error.context) if each)
        self._find(line, column, "yaml-syntax", f"this is not YAML: {words}")
        self._is_whole = False

    def _find(self, line: int, column: int, code: str, message: str) -> None:
        self.findings.append(Finding(self._file, line, column, code, message))

    def start_document(self, event: yaml.DocumentStartEvent) -> None:
        line, column = _place_of(event.start_mark)
        self._documents += 1
        if event.version or event.tags:
            self._find(line, column, "yaml-feature", "directives are not allowed; remove them")
        if self._documents > 1:
            self._find(line, column, "yaml-feature", "a second document starts; write one only")
            self._is_whole = False
            raise _StopReadingError

    def _marked(self, event: yaml.NodeEvent) -> Node:
        """The event's position; anchors and tags are findings."""
        mark = event.start_mark
        node = Node(mark.line + 1, mark.column + 1) if mark else Node(1, 1)
        tag = getattr(event, "tag", None)
        if event.anchor or tag:
            self._refuse_marks(event, node, tag or "")
        return node

    def _refuse_marks(self, event: yaml.NodeEvent, node: Node, tag: str) -> None:
        if event.anchor:
            message = "anchors and aliases are not allowed; write the value out"
            self._find(node.line, node.column, "yaml-feature", message)
        if tag:
            tag = tag.replace("tag:yaml.org,2002:", "!!")
            message = f"the tag `{tag}` is not allowed; remove it"
            self._find(node.line, node.column, "yaml-feature", message)

    def scalar(self, event: yaml.ScalarEvent) -> None:
        node = self._marked(event)
        is_plain = not event.style and not event.tag
        value = self._value(event, node, is_plain=is_plain)
        frame = self._stack[-1] if self._stack else None
        if frame and self._expects_key(frame):
            self._key(frame, node, value, is_merge=is_plain and value == "<<")
        elif value is None:
            message = "there is no value here; write one, or remove the key"
            self._find(node.line, node.column, "no-value", message)
            self._put(REFUSED, node)
        else:
            self._put(value, node)

    def _value(self, event: yaml.ScalarEvent, node: Node, *, is_plain: bool) -> object:
        """What the scalar means; `REFUSED` if a finding says enough."""
        hidden = _UNPRINTABLE.search(event.value)  # written as an escape, such as "\x1b"
        if hidden:
            message = f"the character U+{ord(hidden[0]):04X} cannot be seen; remove it"
            self._find(node.line, node.column, "unprintable", message)
        if hidden or event.tag:
            return REFUSED
        return plain(event.value) if is_plain else event.value

    def alias(self, event: yaml.AliasEvent) -> None:
        node = self._marked(event)
        frame = self._stack[-1] if self._stack else None
        if frame and self._expects_key(frame):
            frame.drops_next = True
        else:
            self._put(REFUSED, node)

    def _expects_key(self, frame: _Frame) -> bool:
        return isinstance(frame.data, dict) and frame.key is None and not frame.drops_next

    def _key(self, frame: _Frame, node: Node, value: object, *, is_merge: bool) -> None:
        frame.drops_next = True
        if value is REFUSED:
            return
        if is_merge:
            message = "merge keys are not allowed; write the keys out"
            self._find(node.line, node.column, "yaml-feature", message)
        elif not isinstance(value, str):
            message = f"the key {quoted(value)} is no text; put it in quotes"
            self._find(node.line, node.column, "key-not-text", message)
        elif value in frame.node.keys:
            first = frame.node.keys[value][0]
            message = f"{quoted(value)} stands here twice, first in line {first}; remove one"
            self._find(node.line, node.column, "duplicate-key", message)
        else:
            frame.node.keys[value] = (node.line, node.column)
            frame.key, frame.drops_next = value, False

    def _put(self, value: object, node: Node) -> None:
        """Give a finished value, or one that is about to be filled, to what it stands in."""
        if not self._stack:
            self._root = (value, node)
            return
        frame = self._stack[-1]
        if frame.drops_next:
            frame.drops_next = False
        elif isinstance(frame.data, list):
            frame.node.children[len(frame.data)] = node
            frame.data.append(value)
        elif frame.key is not None:
            frame.node.children[frame.key] = node
            frame.data[frame.key] = value
            frame.key = None

    def start(self, event: yaml.CollectionStartEvent) -> None:
        node = self._marked(event)
        if len(self._stack) >= MAX_DEPTH:
            message = f"values are nested deeper than {MAX_DEPTH} levels"
            self._find(node.line, node.column, "too-deep", message)
            self._is_whole = False
            raise _StopReadingError
        data: dict[str, object] | list[object]
        data = {} if isinstance(event, yaml.MappingStartEvent) else []
        if self._stack and self._expects_key(self._stack[-1]):
            message = "a key is a list or a map; write a plain word"
            self._find(node.line, node.column, "key-not-text", message)
            self._stack[-1].drops_next = True
            self._stack.append(_Frame(data, node))
            return
        self._put(data, node)
        self._stack.append(_Frame(data, node))

    def end(self, _: yaml.Event) -> None:
        self._stack.pop()


# Bound methods in each builder would be a circle, which keeps a document until it is found.
_TAKERS: dict[type[yaml.Event], Callable[[_Builder, Any], None]] = {
    yaml.ScalarEvent: _Builder.scalar,
    yaml.AliasEvent: _Builder.alias,
    yaml.MappingStartEvent: _Builder.start,
    yaml.SequenceStartEvent: _Builder.start,
    yaml.MappingEndEvent: _Builder.end,
    yaml.SequenceEndEvent: _Builder.end,
    yaml.DocumentStartEvent: _Builder.start_document,
}
