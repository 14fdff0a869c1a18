"""The repository as the architecture tests read it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "policyd" / "client"
PACKAGES = (ROOT / "policyd", ROOT / "audit" / "policyd_audit")


def modules(*folders: Path) -> list[Path]:
    """Every Python module below *folders*, in a fixed order."""
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def shown(path: Path) -> str:
    """Path as a person would name it."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def parse(path: Path) -> ast.Module:
    """Syntax tree of one module."""
    return ast.parse(path.read_text(encoding="utf-8"), shown(path))


def imported(path: Path) -> Iterator[str]:
    """Yield the top-level packages that a module imports, anywhere in it."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # Only the client imports relatively: it can be copied under any name.
            is_at_home = not node.level or CLIENT in path.parents
            assert is_at_home, f"{shown(path)}:{node.lineno}: imports are absolute here"
            if not node.level:
                yield (node.module or "").partition(".")[0]
