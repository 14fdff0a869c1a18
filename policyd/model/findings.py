"""Finding: one thing wrong in a policy tree, with its place."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that keeps a policy tree from going live; sorts by place.

    `file` is relative to the tree's root, `line` and `column` count from 1.
    """

    file: str
    line: int
    column: int
    code: str
    message: str

    def __str__(self) -> str:
        """`file:line:column: code message`, which editors and CI systems can follow."""
        return f"{self.file}:{self.line}:{self.column}: {self.code} {self.message}"
