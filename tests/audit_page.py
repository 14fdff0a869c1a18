"""The page for auditors, `docs/audit.md`, with what its commands really print.

    python -m tests.audit_page docs/audit.md

prints the page anew: below each line that begins with `$`, what that command prints on the sample
log, in a folder that has it as `march`, exported as Parquet, and as `log`, as a tiled log.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from policyd.cli.export_forms import Settled, form_of
from policyd.cli.export_source import Begun, Taken
from policyd.ledger.signing import Signer
from policyd_audit.tree import TILE_WIDTH, Tree, leaf_hash
from tests.sample_log import ORIGIN, SAMPLE

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_MODULES = {"policyd": "policyd", "policyd-audit": "policyd_audit"}
_SEED = bytes(32)  # of a key that signs nothing else


def prepare(folder: Path) -> None:
    """Put the sample log into a folder, in both forms."""
    signer = Signer(ORIGIN, _SEED)
    hashes = [leaf_hash(leaf) for leaf in SAMPLE]
    tree = Tree()
    tree.extend(hashes)
    size = len(SAMPLE)
    assert size <= TILE_WIDTH
    begun = Begun("-", 0, size, size, signer.checkpoint(size, tree.root()), [signer.vkey])
    for form, name in (("parquet", "march"), ("log", "log")):
        (folder / name).mkdir()
        made = form_of(form, folder / name, begun)
        made.restore(Settled(0))
        made.take(Taken(range(size), SAMPLE, hashes))
        made.finish()
    (folder / "log" / "log.vkey").rename(folder / "log.vkey")


def filled(page: str, folder: Path) -> str:
    """The page, with what its commands print in that folder."""

    def answered(block: re.Match[str]) -> str:
        commands = [line[2:] for line in block[1].splitlines() if line.startswith("$ ")]
        said = [f"$ {each}\n{printed(shlex.split(each), folder)}" for each in commands]
        return "```console\n" + "\n".join(said) + "```"

    return _BLOCK.sub(answered, page)


def printed(command: Sequence[str], folder: Path) -> str:
    """What one command prints; with `> FILE` at its end, that goes there."""
    *words, sign, name = [*command, "", ""] if ">" not in command else command
    module = _MODULES[words[0]]
    done = subprocess.run(
        [sys.executable, "-m", module, *[each for each in words[1:] if each]],
        cwd=folder,
        env=os.environ | {"COLUMNS": "120", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"`{shlex.join(command)}` ended with {done.returncode}: {done.stderr}")
    if sign == ">":
        (folder / name).write_text(done.stdout, encoding="utf-8")
        return ""
    return done.stdout


def main(path: Path) -> int:
    """Print the page at *path* anew."""
    with TemporaryDirectory() as name:
        prepare(Path(name))
        sys.stdout.write(filled(path.read_text("utf-8"), Path(name)))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
