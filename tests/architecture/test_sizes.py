"""Modules and functions stay small enough to be read in one go."""

import ast

from tests.architecture.repository import PACKAGES, ROOT, modules, parse, shown

MODULES = [*modules(*PACKAGES, ROOT / "tests"), ROOT / "run"]
LONGEST_MODULE, LONG_MODULE, SHARE_BELOW = 400, 300, 0.9
LONGEST_FUNCTION, LONGEST_TEST = 40, 60  # a test may spell out a whole record

Function = ast.FunctionDef | ast.AsyncFunctionDef


def lines_by_module() -> dict[str, int]:
    """Lines of every module, blank ones and comments included."""
    return {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}


def long_functions(*, tests: bool, longest: int) -> dict[str, int]:
    """Functions of the tests, or of all else, with more than *longest* lines."""
    found = {}
    for path in MODULES:
        if shown(path).startswith("tests/") is not tests:
            continue
        for node in ast.walk(parse(path)):
            if isinstance(node, Function) and length(node) > longest:
                found[f"{shown(path)}:{node.lineno} {node.name}"] = length(node)
    return found


def length(function: Function) -> int:
    """Lines of the code alone.

    The signature declares (a command's holds its whole help), and the docstring may be as long as
    it must.
    """
    code = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not code:
        return 0
    return (code[-1].end_lineno or code[-1].lineno) - code[0].lineno + 1


def test_no_module_is_too_long() -> None:
    """No module has more than 400 lines."""
    too_long = {name: lines for name, lines in lines_by_module().items() if lines > LONGEST_MODULE}
    assert too_long == {}


def test_most_modules_are_short() -> None:
    """Nine modules in ten have fewer than 300 lines."""
    lines = lines_by_module()
    long = {name: count for name, count in lines.items() if count >= LONG_MODULE}
    assert len(long) <= (1 - SHARE_BELOW) * len(lines), long


def test_no_function_is_too_long() -> None:
    """No function has more than 40 lines of code, and no test more than 60."""
    assert long_functions(tests=False, longest=LONGEST_FUNCTION) == {}
    assert long_functions(tests=True, longest=LONGEST_TEST) == {}


def test_a_function_is_measured_by_its_code() -> None:
    """The measure counts neither signature nor docstring, but comments and blank lines between."""
    source = (
        'def f(\n    a: int,\n):\n    """Long.\n\n    Very.\n    """\n    b = a\n\n    return b\n'
    )
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert length(function) == 3
