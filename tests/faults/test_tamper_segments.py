"""The tamper matrix of segments: what is done to a sealed file or its manifest, and what sees it.

While the ledger's file has the records too, the sealer makes whatever is wrong good again. Once
they have left it, a segment that is damaged is named as lost, and nothing of it is ever served
that the tree does not vouch for.
"""

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from policyd.ledger.cold import Cold
from policyd.ledger.forgetting import Forgetting
from policyd.ledger.reader import Reader
from policyd.ledger.sealing import Sealer
from policyd.ledger.shelf import Shelf
from policyd.ledger.signing import Signer
from policyd.ledger.store import Store, create
from policyd.model.errors import RecordsLost
from policyd_audit import note, segment
from policyd_audit.layout import ENTRIES, Resource, bundle
from policyd_audit.ledger_file import LedgerFile
from policyd_audit.verify import verify
from tests.faults.logs import ORIGIN, SIGNER, batches

SIZE, WIDTH = 800, 256  # three segments of 256 records and a bit
ONE, OTHER = 1, 0  # the segment that something is done to, and another one
HOLDS = "holds"
LOG, OTHER_LOG = SIGNER, "other.example"
HALVES = batches([SIZE // 2, SIZE // 2])
LEAVES = [leaf for half in HALVES for leaf in half]

CHECKS = ("sealer, young", "file, young", "sealer, old", "server, old", "file, old")
"""What looks at a segment, while the ledger's file has its records (young), or not any more (old).

sealer: the server's own look after its segments; what it did to the one
server: a record of it is asked for
file: `policyd-audit verify ledger.db`, with the segments beside it
"""


@dataclass
class Sealed:
    """A log with segments, to be damaged."""

    folder: Path

    @property
    def ledger(self) -> Path:
        """The log's file."""
        return self.folder / "ledger.db"

    @property
    def shelf(self) -> Shelf:
        """Its segments."""
        return Shelf(self.folder, 1)

    def forget(self) -> None:
        """Let the records of the first two segments leave the ledger's file."""
        with closing(Store(self.ledger, LOG)) as store:
            forgetting = Forgetting(store, self.shelf, LOG)
            for number in (OTHER, ONE):
                assert forgetting.order(number) is None
                while forgetting.is_pending:
                    forgetting.step()

    def sealer(self) -> str:
        """What the sealer did to the segment."""
        with closing(Reader(self.ledger)) as reader:
            done = {each.number: each.did for each in Sealer(self.shelf, reader, LOG).run()}
        return done[ONE]

    def server(self) -> str:
        """What comes of asking for all its records."""
        records = self.shelf.range(ONE)
        with (
            closing(Cold(self.shelf, LOG)) as cold,
            closing(Reader(self.ledger, cold)) as reader,
        ):
            try:
                found = reader.content(Resource(ENTRIES, ONE, WIDTH))
            except RecordsLost as error:
                return error.code
        assert found == bundle(LEAVES[records.start : records.stop])
        return HOLDS

    def file(self) -> str:
        """The code of the first thing that the auditor's tool finds."""
        with LedgerFile(self.ledger) as evidence:
            found = verify(evidence, vkey=LOG.vkey, segments=self.shelf.folder).findings
        return found[0].code if found else HOLDS


Tamper = Callable[[Sealed], object]


def flip(path: Path, at: int) -> None:
    """Flip a bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def swap(*paths: Path) -> None:
    """Let two files change places."""
    one, other = (path.read_bytes() for path in paths)
    paths[0].write_bytes(other)
    paths[1].write_bytes(one)


def files(sealed: Sealed) -> tuple[Path, Path]:
    """The files of both segments."""
    return sealed.shelf.file(OTHER), sealed.shelf.file(ONE)


def manifests(sealed: Sealed) -> tuple[Path, Path]:
    """The manifests of both."""
    return sealed.shelf.manifest(OTHER), sealed.shelf.manifest(ONE)


def signed_by(signer: Signer, **members: str | bytes) -> Tamper:
    """Put another manifest in the place, signed by *signer*."""

    def fault(sealed: Sealed) -> None:
        path = sealed.shelf.manifest(ONE)
        said = segment.parse(note.parse(path.read_text("utf-8")).text)
        changed = said._replace(**members)  # type: ignore[arg-type]
        path.write_text(signer.signed(segment.body(changed)), "utf-8")

    return fault


def truncate(sealed: Sealed) -> None:
    """Cut the file off."""
    path = sealed.shelf.file(ONE)
    path.write_bytes(path.read_bytes()[:-100])


def remove_both(sealed: Sealed) -> None:
    """Take file and manifest away."""
    sealed.shelf.file(ONE).unlink()
    sealed.shelf.manifest(ONE).unlink()


def swap_both(sealed: Sealed) -> None:
    """Let two segments change places."""
    swap(*files(sealed))
    swap(*manifests(sealed))


# fmt: off
MATRIX: dict[str, tuple[Tamper, str, str, str, str, str]] = {
    #           how, and what is said: sealer and file, young; sealer, server and file, old
    "nothing at all": (lambda _: None,
        "kept", HOLDS, "kept", HOLDS, HOLDS),
    "a byte of the file": (lambda e: flip(e.shelf.file(ONE), e.shelf.file(ONE).stat().st_size // 2),
        "rebuilt", HOLDS, "lost", "segment-lost", "segment-damaged"),
    "the file cut off": (truncate,
        "rebuilt", HOLDS, "lost", "segment-lost", "segment-damaged"),
    "the file taken away": (lambda e: e.shelf.file(ONE).unlink(),
        "rebuilt", HOLDS, "lost", "segment-lost", "segment-damaged"),
    "a byte of the manifest": (lambda e: flip(e.shelf.manifest(ONE), 60),
        "rebuilt", HOLDS, "rebuilt", HOLDS, "segment-lost"),
    "a byte of its signature": (lambda e: flip(e.shelf.manifest(ONE), -20),
        "rebuilt", HOLDS, "rebuilt", HOLDS, "signature-invalid"),
    "the manifest taken away": (lambda e: e.shelf.manifest(ONE).unlink(),
        "rebuilt", HOLDS, "rebuilt", HOLDS, "segment-lost"),
    "file and manifest taken away": (remove_both,
        "sealed", HOLDS, "lost", "segment-lost", "segment-lost"),
    "two files in each other's place": (lambda e: swap(*files(e)),
        "rebuilt", HOLDS, "lost", "segment-lost", "segment-damaged"),
    "two manifests in each other's place": (lambda e: swap(*manifests(e)),
        "rebuilt", HOLDS, "rebuilt", HOLDS, "segment-lost"),
    "two segments in each other's place": (swap_both,
        "rebuilt", HOLDS, "lost", "segment-lost", "segment-lost"),
    "a manifest of another log": (signed_by(Signer(OTHER_LOG, bytes(32)), origin=OTHER_LOG),
        "rebuilt", HOLDS, "rebuilt", HOLDS, "signature-missing"),
    "a manifest signed with another key": (signed_by(Signer(ORIGIN, bytes(32))),
        "rebuilt", HOLDS, "rebuilt", HOLDS, "signature-missing"),
    "a manifest of other records, by the log's own key": (signed_by(LOG, root=bytes(32)),
        "rebuilt", HOLDS, "rebuilt", HOLDS, "manifest-differs"),
    "a manifest of another file, by the log's own key": (signed_by(LOG, sha256="0" * 64),
        "rebuilt", HOLDS, "rebuilt", HOLDS, "segment-damaged"),
}
# fmt: on


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a log whose full stretches are all sealed."""
    folder = tmp_path_factory.mktemp("sealed")
    create(folder / "ledger.db", LOG)
    with closing(Store(folder / "ledger.db", LOG)) as store:
        for batch in HALVES:
            store.append(batch)
    assert Sealed(folder).sealer() == "sealed"
    return folder


@pytest.fixture
def sealed(log: Path, tmp_path: Path) -> Sealed:
    """A copy of it."""
    return Sealed(Path(shutil.copytree(log, tmp_path / "log")))


@pytest.mark.parametrize("fault", MATRIX)
def test_which_check_sees_what(fault: str, sealed: Sealed) -> None:
    """Each fault is seen by the checks that the table names, and by no others."""
    tamper, *expected = MATRIX[fault]
    kept = {path: path.read_bytes() for path in (*files(sealed), *manifests(sealed))}
    tamper(sealed)
    said = {"file, young": sealed.file(), "sealer, young": sealed.sealer()}
    assert sealed.server() == HOLDS
    for path, data in kept.items():
        path.write_bytes(data)
    sealed.forget()
    tamper(sealed)
    said |= {"server, old": sealed.server(), "file, old": sealed.file()}
    said["sealer, old"] = sealed.sealer()
    assert {name: said[name] for name in CHECKS} == dict(zip(CHECKS, expected, strict=True))
