"""The builder: a process of its own that reads policy trees for a server.

    python -m policyd.policy.builder DESCRIPTOR

It takes orders from the socket until its other end is closed, and remembers what it has read from
one to the next. Nothing that it does is in the way of a decision: reading a large tree takes tens
of seconds, and building a snapshot of it in the server would stop the server for that long.
"""

import gc
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import Path

from policyd.model.findings import Finding
from policyd.model.rules import Rule
from policyd.policy import folder
from policyd.policy.compiling import compile_packed
from policyd.policy.deliveries import LENGTH, PARTS, Delivery, Order, Refused, Working, message
from policyd.policy.load import Draft, draft
from policyd.policy.packing import Packed, unpack
from policyd.policy.remembering import Remembering

FAULT = 3
"""Exit status after an error of the program."""
NICENESS = 5
"""Where there is not enough processor for both, checks go before the reading of new policy."""


def serve(pipe: socket.socket) -> None:
    """Carry out what is ordered on *pipe* until its other end is closed."""
    tell = partial(pipe.sendall, message(Working()))
    reading = Remembering(partial(compile_packed, tell=tell, detach=pipe.close))
    with pipe.makefile("rb") as orders:
        while length := orders.read(LENGTH.size):
            order: Order = unpack(orders.read(*LENGTH.unpack(length)))
            for each in answer(order, reading):
                pipe.sendall(message(each))
            gc.collect()
            gc.freeze()  # what is remembered lasts; no collection need look at it again


def answer(order: Order, reading: Remembering) -> Iterator[Refused | Delivery | bytes]:
    """What the tree comes to: a refusal, or a delivery and its new pieces."""
    if isinstance(order.tree, str):
        files, unreadable = folder.read(Path(order.tree))
    else:
        files, unreadable = dict(order.tree), []
    yield from delivery(files, unreadable, order.held, reading)


def delivery(
    files: Mapping[str, bytes],
    unreadable: Sequence[Finding],
    held: AbstractSet[str],
    reading: Remembering,
) -> Iterator[Refused | Delivery | bytes]:
    """What *files* come to, for a server that has the pieces *held*."""
    made, findings = draft(files, unreadable, reading)
    reading.forget(list(files))
    if made is None:
        yield Refused(tuple(findings))
        return
    parts, rules = _parts(made), {file: _packed(each.rules) for file, each in made.files.items()}
    pieces = {each.key: each.data for each in (*parts.values(), *rules.values())}
    new = tuple(key for key in pieces if key not in held)
    yield Delivery(made.rest.digest, _keys(parts), _keys(rules), new)
    yield from (pieces[key] for key in new)


def main(arguments: list[str]) -> int:
    """Run a builder on an inherited socket; the exit status."""
    # The server ends it by closing its end; what a terminal sends to both is the server's to heed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.nice(NICENESS)
    gc.freeze()
    with socket.socket(fileno=int(arguments[0])) as pipe:
        try:
            serve(pipe)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server is gone
        except Exception:  # noqa: BLE001 - whatever it is, the server's log shall have it
            line = {"level": "error", "event": "policy-builder-ended"}
            sys.stderr.write(json.dumps(line | {"exception": traceback.format_exc()}) + "\n")
            return FAULT
    return 0


def _parts(made: Draft) -> dict[str, Packed]:
    """The members of the snapshot, but its digest and its rules."""
    return {name: Packed.of(getattr(made.rest, name)) for name in sorted(PARTS)}


def _packed(rules: Iterable[Rule]) -> Packed:
    return rules if isinstance(rules, Packed) else Packed.of(tuple(rules))


def _keys(pieces: Mapping[str, Packed]) -> dict[str, str]:
    return {name: each.key for name, each in pieces.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
