"""Findings of a policy tree, as editors and CI systems can follow them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from policyd.cli.output import remark
from policyd.model.errors import PolicyInvalid, UsageError
from policyd.model.findings import Finding


def placed(finding: Finding, root: Path) -> Finding:
    """*finding*, its file named from where the user is instead of from *root*."""
    return finding._replace(file=str(root / finding.file))


@contextmanager
def told_in(root: Path | None) -> Iterator[None]:
    """A block in which the findings of the tree at *root* are printed before they end it."""
    try:
        yield
    except PolicyInvalid as error:
        for finding in error.findings:
            remark(str(placed(finding, root) if root else finding))
        raise


def check_folder(root: Path) -> None:
    """Nothing, if *root* is a folder.

    Raises:
        UsageError: it is not.
    """
    if not root.is_dir():
        raise UsageError(f"there is no folder `{root}`: name a policy tree", code="no-folder")
