"""What lies beside a log: values kept apart of records, and what was erased or pruned of it all.

Whatever is not there any more must have been removed by an act, and that act is a record.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from policyd_audit.disclosure import NAMES, reveal
from policyd_audit.errors import Contradiction, VerificationError
from policyd_audit.evidence import Evidence
from policyd_audit.report import Findings

_MARKS = (f'"{NAMES}":'.encode(), b'"kind":"retention"')


def concerns(leaf: bytes) -> bool:
    """Return whether something may lie beside a record, or have been removed by it."""
    return any(mark in leaf for mark in _MARKS)


class _Act(NamedTuple):
    """The record of an erasure: of which records, and how much."""

    first: int
    end: int
    values: int


class Beside:
    """Meets every record of a walk, and holds what lies beside them to them.

    `prunings` has the number of the record that says so, for each record the log began at.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.prunings: dict[int, int] = {}
        self._evidence = evidence
        self._acts: dict[int, _Act] = {}
        self._erased: dict[tuple[int, int], int] = {}  # by act and record

    def meet(self, seq: int, content: Mapping[str, Any], findings: Findings) -> None:
        """Look at one record, and report what is wrong with what is kept apart of it."""
        if NAMES in content:
            try:
                self._look(seq, content)
            except VerificationError as error:
                why = f"record {seq}: {error.message}"
                findings.add(type(error)(error.code, why, record=seq))
        if content["kind"] == "retention":
            self._act(seq, content)

    def check(self, begin: int, findings: Findings) -> None:
        """Report what was removed without a record of it, once all records were met."""
        if begin and begin not in self.prunings:
            why = f"records 0 to {begin - 1} are missing, and no record says that they were pruned"
            findings.add(Contradiction("record-missing", why, record=0, records=begin))
        counts: Counter[int] = Counter()
        for (act, seq), count in sorted(self._erased.items()):
            said = self._acts.get(act)
            counts[act] += count
            if said is None or not said.first <= seq < said.end or counts[act] > said.values:
                why = f"record {seq}: what is personal in it is gone, but not by record {act}"
                findings.add(Contradiction("disclosure-missing", why, record=seq))

    def _look(self, seq: int, content: Mapping[str, Any]) -> None:
        stored = self._evidence.beside(seq)
        if stored is None:
            return
        revealed = reveal(content, stored)
        if revealed.lost:
            why = "what is personal in it is gone, and nobody erased it"
            raise Contradiction("disclosure-missing", why)
        for act, count in revealed.erased:
            self._erased[act, seq] = count

    def _act(self, seq: int, content: Mapping[str, Any]) -> None:
        first, end, count = (content.get(name) for name in ("first", "end", "count"))
        if not (isinstance(first, int) and isinstance(end, int) and isinstance(count, int)):
            return
        if content.get("act") == "prune":
            self.prunings[end] = seq
        elif content.get("act") == "erase":
            self._acts[seq] = _Act(first, end, count)
