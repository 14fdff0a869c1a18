"""What a reader of the log may see of a record, and what it is told about the rest."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from policyd.ledger.reader import Reader
from policyd.ledger.view import Found
from policyd.model.errors import LedgerUnavailable
from policyd.model.keys import Key
from policyd_audit.disclosure import NAMES, reveal
from policyd_audit.errors import VerificationError

_MARK = f'"{NAMES}":'.encode()


class Act(NamedTuple):
    """The record of an act that erased something."""

    number: int
    id: str
    ts: str


class Shown(NamedTuple):
    """A record as it is in the log, and what is kept apart of it.

    `disclosed` are the values, by their path, for those who may see them; `hidden` names what
    this key may not see, `erased` what nobody can see any more, since the acts named in `acts`.
    """

    seq: int
    leaf: bytes
    disclosed: Mapping[str, Any] = {}
    hidden: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    acts: tuple[Act, ...] = ()


def shown(reader: Reader, key: Key, found: Sequence[Found]) -> list[Shown]:
    """The records as the key's holder may see them; only auditors see what is personal.

    Raises:
        LedgerUnavailable: what is kept apart is not what was recorded, or not there.
    """
    hiding = [each.seq for each in found if _MARK in each.leaf]
    if not hiding:
        return [Shown(*each) for each in found]
    beside = reader.disclosures(hiding)
    acts: dict[int, Act] = {}
    made = []
    for each in found:
        one = _shown(key, each, beside[each.seq]) if each.seq in beside else (Shown(*each), ())
        for act in one[1]:
            acts[act] = acts.get(act) or _act(reader, act)
        made.append(one[0]._replace(acts=tuple(acts[act] for act in one[1])))
    return made


def _shown(key: Key, found: Found, disclosures: Sequence[bytes]) -> tuple[Shown, tuple[int, ...]]:
    try:
        revealed = reveal(msgspec.json.decode(found.leaf), disclosures)
    except VerificationError as error:
        raise LedgerUnavailable(f"record {found.seq}: {error.message}") from error
    if revealed.lost:
        raise LedgerUnavailable(
            f"record {found.seq}: what is personal in it is gone, and nobody erased it:"
            " run `policyd-audit verify` on a copy of the ledger"
        )
    acts = tuple(act for act, _ in revealed.erased)
    values: dict[str, Any] = {}
    for path, value in revealed.values:
        # Of several members of one path, such as the addresses of refusals, all are listed.
        values[path] = [*values[path], value] if path in values else [value]
    plain = {path: each[0] if len(each) == 1 else each for path, each in values.items()}
    if key.has_role("auditor"):
        return Shown(*found, disclosed=plain, erased=revealed.hidden), acts
    return Shown(*found, hidden=tuple(plain), erased=revealed.hidden), acts


class _Head(msgspec.Struct):
    id: str
    ts: str


_head = msgspec.json.Decoder(_Head).decode


def _act(reader: Reader, index: int) -> Act:
    found = reader.records([index])
    if not found:  # pruned since
        return Act(index, "", "")
    head = _head(found[0].leaf)
    return Act(index, head.id, head.ts)
