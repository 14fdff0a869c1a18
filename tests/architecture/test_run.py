"""`run` sets itself up wherever it finds itself, and says what is wrong where it cannot."""

import ast
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.repository import ROOT
from tests.architecture.toy import OUTSIDE, Toy, has_pip

SETTING_UP = "run: setting up .venv/"
SPREAD = "-n logical --dist loadfile --no-loadscope-reorder"
GATED = ["tests/unit/model", "tests/unit/engine", "tests/unit/audit"]
CHECKS = ["ruff check", "ruff format --check", "mypy", "lint-imports"]
needs_pip = pytest.mark.skipif(not has_pip(), reason=f"{OUTSIDE} has no pip")


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """A fresh clone."""
    return Toy.make(tmp_path)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """A clone that is set up for development; nobody may break it."""
    toy = Toy.make(tmp_path_factory.mktemp("ready"))
    assert toy.run("setup").code == 0
    return toy


@pytest.mark.slow
@needs_pip
def test_a_fresh_clone_sets_itself_up(toy: Toy) -> None:
    """The first `./run demo` sets up and plays the demo, the second only plays it."""
    first, second = toy.run("demo", "--once"), toy.run("demo", "--once")
    assert (first.code, first.programs) == (0, ["policyd demo --once"])
    assert SETTING_UP in first.said
    assert (second.code, second.programs, second.said) == (0, ["policyd demo --once"], "")


@pytest.mark.slow
@needs_pip
def test_the_demo_does_not_set_up_for_tests(toy: Toy) -> None:
    """Tests need more than the demo, and what they set up serves the demo too."""
    assert SETTING_UP in toy.run("demo").said
    assert SETTING_UP in toy.run("test", "tests").said
    assert SETTING_UP not in toy.run("demo").said


def _unlink_python(venv: Path) -> None:
    (venv / "bin" / "python").unlink()


def _break_python(venv: Path) -> None:
    (venv / ".set-up").unlink()
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").write_text("not a program")


def _empty(venv: Path) -> None:
    shutil.rmtree(venv)
    venv.mkdir()


def _file_instead(venv: Path) -> None:
    shutil.rmtree(venv)
    venv.write_text("")


def _link_to_nothing(venv: Path) -> None:
    shutil.rmtree(venv)
    venv.symlink_to(venv.with_name("gone"))


DAMAGES = [
    _unlink_python,
    _break_python,
    _empty,
    _file_instead,
    _link_to_nothing,
]


@pytest.mark.slow
@needs_pip
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_environment_is_repaired(toy: Toy, damage: Callable[[Path], None]) -> None:
    """A broken or half-made .venv/ is noticed and made good."""
    toy.run("demo")
    damage(toy.folder / ".venv")
    outcome = toy.run("demo")
    assert SETTING_UP in outcome.said
    assert (outcome.code, outcome.programs) == (0, ["policyd demo"])


@pytest.mark.slow
@needs_pip
def test_a_moved_folder_is_set_up_again(toy: Toy, tmp_path: Path) -> None:
    """After a move nothing is left that names the old place."""
    toy.run("demo")
    moved = Toy(tmp_path / "moved", toy.tools)
    toy.folder.rename(moved.folder)
    stale = moved.folder / ".venv" / "bin" / "stale"
    stale.touch()
    outcome = moved.run("demo")
    assert (outcome.code, outcome.programs) == (0, ["policyd demo"])
    assert not stale.exists()


@needs_pip
@pytest.mark.slow
def test_an_interrupted_set_up_starts_anew(toy: Toy) -> None:
    """What an interrupted installation left is not trusted, also for what was there before it."""
    toy.run("demo")
    toy.write("requirements/runtime.txt", f"missing==1 --hash=sha256:{'0' * 64}\n")
    assert toy.run("demo").code == 2
    half = toy.folder / ".venv" / "half-a-package"
    half.touch()
    toy.write("requirements/runtime.txt", "# nothing\n")
    assert toy.run("demo").code == 0
    assert not half.exists()


@needs_pip
@pytest.mark.slow
def test_a_whole_environment_is_kept(toy: Toy) -> None:
    """Other requirements are installed into the environment there is, which is quicker."""
    toy.run("demo")
    kept = toy.folder / ".venv" / "kept"
    kept.touch()
    toy.write("requirements/runtime.txt", "# something else\n")
    assert SETTING_UP in toy.run("demo").said
    assert kept.exists()


@pytest.mark.slow
@needs_pip
def test_an_active_environment_is_no_hindrance(toy: Toy) -> None:
    """Started by the Python of .venv/ itself, the set-up uses the one behind it."""
    toy.run("demo")
    (toy.folder / ".venv" / ".unfinished").touch()
    (toy.folder / ".venv" / ".set-up").unlink()
    outcome = toy.run("demo", python=toy.folder / ".venv" / "bin" / "python")
    assert (outcome.code, outcome.programs) == (0, ["policyd demo"])


@pytest.mark.slow
@needs_pip
def test_no_index_is_explained(toy: Toy) -> None:
    """Without the package index the message says what to look at."""
    toy.write("requirements/runtime.txt", f"missing==1 --hash=sha256:{'0' * 64}\n")
    outcome = toy.run("demo")
    assert (outcome.code, outcome.programs) == (2, [])
    assert "the package index gave no answer" in outcome.said
    assert "PIP_INDEX_URL" in outcome.said

    toy.write("requirements/runtime.txt", "# nothing\n")
    assert toy.run("demo").code == 0


@pytest.mark.slow
@needs_pip
def test_pip_steps_in_for_uv(toy: Toy) -> None:
    """A uv that cannot install, say for want of a mirror that only pip knows, is passed over."""
    toy.tool("uv", "echo no index >&2; exit 1")
    outcome = toy.run("demo")
    assert "no index" in outcome.said
    assert "run: uv could not install, trying pip" in outcome.said
    assert (outcome.code, outcome.programs) == (0, ["policyd demo"])


@pytest.mark.slow
@needs_pip
def test_settings_for_elsewhere_do_not_interfere(toy: Toy) -> None:
    """A person's pip that installs into the home folder still installs into .venv/ here."""
    assert toy.run("demo", PIP_USER="1").programs == ["policyd demo"]


def test_no_pip_is_explained(toy: Toy, tmp_path: Path) -> None:
    """Without pip and uv the message says how to get one of them."""
    bare = tmp_path / "bare"
    subprocess.run([str(OUTSIDE), "-m", "venv", "--without-pip", str(bare)], check=True)
    outcome = toy.run("demo", python=bare / "bin" / "python")
    assert outcome.code == 2
    assert "has no pip: install it" in outcome.said
    assert not (toy.folder / ".venv").exists()


def test_an_old_pip_is_explained(toy: Toy, tmp_path: Path) -> None:
    """A pip that cannot install into another environment is named with the one needed."""
    package = tmp_path / "old" / "pip"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("print('pip 22.2.9 from nowhere')")
    outcome = toy.run("demo", PYTHONPATH=str(package.parent))
    assert outcome.code == 2
    assert "pip 22.2 is too old, 22.3 is needed" in outcome.said


def test_an_old_python_is_turned_away() -> None:
    """A Python older than 3.11 is told so, and is able to read that far."""
    source = (ROOT / "run").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))
    program = f"import sys, runpy; sys.version_info = (3, 10, 9); runpy.run_path({'run'!r})"
    command = [str(OUTSIDE), "-B", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("run: policyd needs Python 3.11 or newer, this is ")


@needs_pip
def test_all_is_tested_in_order(ready: Toy) -> None:
    """`./run test` checks first, then what has to be covered, its coverage, and all the rest."""
    outcome = ready.run("test")
    assert outcome.code == 0
    assert outcome.programs[:4] == CHECKS
    assert outcome.programs[4:] == [
        f"pytest --cov --cov-report= {SPREAD} {' '.join(GATED)}",
        "coverage report --fail-under=100",
        f"pytest {SPREAD} {' '.join(f'--ignore={each}' for each in GATED)}",
    ]
    assert outcome.out.endswith("--- all good\n")


@needs_pip
@pytest.mark.parametrize(
    ("broken", "started", "named"),
    [
        ("ruff", 4, "lint, format"),
        ("mypy", 4, "types"),
        ("lint-imports", 4, "imports"),
        ("pytest", 5, "gated tests"),
        ("coverage", 7, "coverage"),
    ],
)
def test_what_failed_is_named(ready: Toy, broken: str, started: int, named: str) -> None:
    """A failing step ends with its name last, and what comes after it is not begun."""
    outcome = ready.run("test", TOY_FAILS=broken)
    assert outcome.code == 1
    assert len(outcome.programs) == started
    assert outcome.out.endswith(f"--- failed: {named}\n")


@needs_pip
@pytest.mark.parametrize(
    ("arguments", "programs"),
    [
        (["test", "tests/unit"], ["pytest tests/unit"]),
        (["test", "-k", "kill"], ["pytest -k kill"]),
        (["test", "--quick", "tests/faults"], ["pytest -m not slow tests/faults"]),
        (["check"], CHECKS),
        (["fmt"], ["ruff check --fix", "ruff format"]),
        (["serve", "--port", "1"], ["policyd serve --port 1"]),
        (["setup"], []),
        (["help"], []),
        ([], []),
    ],
)
def test_tasks_start_their_programs(ready: Toy, arguments: list[str], programs: list[str]) -> None:
    """Each task starts what its help says, and hands its options on."""
    outcome = ready.run(*arguments)
    assert (outcome.code, outcome.programs) == (0, programs)


@needs_pip
def test_the_soak_is_a_module(ready: Toy) -> None:
    """`./run soak` runs the soak from the top of the project, and hands its options on."""
    soak = ready.folder / "tests" / "properties" / "casbin" / "soak.py"
    soak.parent.mkdir(parents=True)
    soak.write_text("import sys; print('toy soak', *sys.argv[1:]); sys.exit(1)")
    outcome = ready.run("soak", "--cases", "9")
    assert (outcome.code, outcome.programs) == (1, ["soak --cases 9"])


@needs_pip
def test_benchmarks_run_in_the_environment(ready: Toy) -> None:
    """`./run bench` is the benchmarks' own program, with its options, from .venv."""
    (ready.folder / "tests" / "benchmarks").mkdir(parents=True)
    program = "import sys; print('toy bench', *sys.argv[1:], sys.prefix)"
    ready.write("tests/benchmarks/__main__.py", program)
    outcome = ready.run("bench", "http", "--quick")
    assert outcome.programs == [f"bench http --quick {ready.folder / '.venv'}"]


@needs_pip
def test_quick_leaves_out_the_slow_tests(ready: Toy) -> None:
    """`--quick` alone still checks everything else."""
    programs = ready.run("test", "--quick").programs
    spread = [each for each in programs if each.startswith("pytest")]
    assert [each.count(f"{SPREAD} -m not slow ") for each in spread] == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tset"], "no task `tset`: one of demo, serve, test, "),
        (["check", "policyd"], "`./run check` takes no arguments, and got `policyd`"),
        (["docs", "api"], "`./run docs` takes no arguments, and got `api`"),
        (["lock"], "`./run lock` needs uv on the PATH"),
    ],
)
def test_misuse_is_explained(toy: Toy, arguments: list[str], message: str) -> None:
    """What cannot be done ends with exit code 2 and the way out, before anything is set up."""
    outcome = toy.run(*arguments)
    assert outcome.code == 2
    assert message in outcome.said
    assert not (toy.folder / ".venv").exists()


@needs_pip
@pytest.mark.parametrize(
    ("program", "code", "left"),
    [
        ("import sys; print(*sys.argv[1:])", 0, "policies\n"),
        ("print('half of it'); 1 / 0", 1, "as it was"),
    ],
)
def test_the_reference_is_written_whole(toy: Toy, program: str, code: int, left: str) -> None:
    """`./run docs` replaces the page by what the code writes, and leaves it if that fails."""
    toy.write("docs/check-api.md", "as it was")
    toy.write("policyd/api/reference.py", program)
    toy.write("policyd/search/reference.py", "")
    toy.write("tests/audit_page.py", "")
    toy.write("policyd/review/lint/page.py", "print('rules')")
    toy.write("tests/review/page.py", "")
    toy.write("policyd/review/review_schema.py", "")
    outcome = toy.run("docs")
    assert outcome.code == code
    assert (toy.folder / "docs" / "check-api.md").read_text(encoding="utf-8") == left
    assert ("run: wrote docs/check-api.md" in outcome.said) == (code == 0)
    assert (toy.folder / "docs" / "lint.md").is_file() == (code == 0)


@pytest.mark.parametrize(
    ("address", "code"),
    [("https://pypi.org/simple", 0), ("https://mirror.example/simple", 2)],
)
def test_a_mirror_never_enters_the_lock(toy: Toy, address: str, code: int) -> None:
    """`./run lock` exports only what was resolved on the standard index."""
    toy.tool("uv", f"""echo "uv $*"; echo 'source = {{ registry = "{address}" }}' > uv.lock""")
    outcome = toy.run("lock", "--upgrade")
    assert outcome.code == code
    assert outcome.out.startswith("uv lock --upgrade\n")
    assert outcome.out.count("uv export") == (2 if code == 0 else 0)
    assert ("uv.lock names another index, `https://mirror.example/simple`" in outcome.said) is (
        code == 2
    )
