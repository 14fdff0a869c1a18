"""The first policy of a data folder, put there while no server runs."""

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime

from policyd.ledger import record
from policyd.ledger.folder import DataFolder
from policyd.ledger.reader import Reader
from policyd.ledger.stamp import Stamper, moment
from policyd.ledger.store import Store
from policyd.model.errors import Conflict
from policyd.points.named import PUBLISHED, named_in_force
from policyd.policy.load import load_files
from policyd.registry.policies import PolicyStore, Publication

SEEDER = "init"
"""Who puts the first policy in force, as records say it: whoever has the disk."""


def seed(folder: DataFolder, files: Mapping[str, bytes], clock: Callable[[], datetime]) -> str:
    """The digest of *files*, which are in force from now on.

    Where that very digest is in force and only the registry has lost it, it is given back.

    Args:
        folder: Open, so that no server runs on it.
        files: A whole tree.
        clock: The machine's time.

    Raises:
        PolicyInvalid: the tree has findings.
        Conflict: something was published here already.
        DataFolderError: it cannot be written.
        ClockBehind: the clock is behind the log.
    """
    digest = load_files(files).digest
    with closing(Reader(folder.ledger)) as reader:
        named = named_in_force(reader)
    if named not in {None, digest}:
        raise Conflict(
            f"`{named}` is in force here already: start the server, and change it with"
            " `policyd publish`",
            code="already-published",
        )
    with (
        closing(PolicyStore.open(folder.registry)) as policies,
        closing(Store(folder.ledger, folder.signer)) as log,
    ):
        stamp = Stamper(moment(log.last_ts) if log.last_ts else None, clock).draw()
        tree = policies.add_tree(files, digest, at=stamp.ts)
        if named is None:
            said = record.PolicyChange(
                **record.stamped(stamp),
                snapshot=digest,
                source=PUBLISHED,
                reason="init",
                by=SEEDER,
            )
            # A crash before this leaves a tree that nobody asks for; whoever gets here comes again.
            log.append([record.encode(said)])
            policies.publish(
                Publication(said.id, said.ts, digest, None, tree, said.reason, by=SEEDER)
            )
    return digest
