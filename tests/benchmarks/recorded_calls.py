"""Records of distinct calls, as many as are wanted.

They are about so many flows, as a company has them, each decided by the engine once; the records
of a flow differ in path, id, nonce and time, so no two calls are the same.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from policyd.engine.decide import Engine
from policyd.ledger.decision_record import Basis, Request, decision_record
from policyd.ledger.stamp import Stamp
from policyd.model.call import Call, Entity
from policyd.model.facts import Facts
from policyd.model.rules import OBLIGATIONS
from policyd.model.snapshot import Snapshot
from tests.benchmarks.company import Check, Company
from tests.benchmarks.kept_log import SPAN, stamp_of
from tests.benchmarks.large import NOW

FLOWS = 50_000
_NUMBER = 10**9  # stands in for the number in a path, and has as many digits
_MARK = Stamp(NOW, "2001-01-01T00:00:00.000000Z", "00000000-0000-7000-8000-00000000000a", "f" * 32)


def records(company: Company, snapshot: Snapshot, start: datetime, size: int) -> Iterator[bytes]:
    """So many records of what *snapshot* decides, evenly over the time of a log."""
    decided = [*_decided(company, snapshot)]
    step = SPAN / size
    for number in range(2, size):  # two records begin every log
        stamp = stamp_of(start + step * number, number)
        leaf = decided[number % len(decided)]
        for mark, said in (
            (_MARK.ts, stamp.ts),
            (_MARK.id, stamp.id),
            (_MARK.nonce, stamp.nonce),
            (str(_NUMBER), str(_NUMBER + number)),
        ):
            leaf = leaf.replace(mark.encode(), said.encode())
        yield leaf


def _decided(company: Company, snapshot: Snapshot) -> Iterator[bytes]:
    engine = Engine(snapshot)
    basis = Basis(snapshot.digest, "published", "policyd benchmark", snapshot.vocabulary)
    for at, check in enumerate(islice(company.checks(), FLOWS)):
        call = _call(check)
        case = engine.open(call, NOW)
        facts = Facts(NOW, dict.fromkeys(case.buckets(), 0))
        request = Request(f"10.{at % 7}.{at % 31}.{at % 250}", f"key-{at % 40}")
        yield decision_record(_MARK, request, call, facts, engine.judge(case, facts), basis)


def _call(check: Check) -> Call:
    question = check.question
    return Call(
        subject=Entity("integration", question.integration),
        action=question.action,
        resource=Entity("dataset", question.dataset),
        endpoint=f"https://{check.host}/v1/orders/{_NUMBER}",
        method="GET" if question.action == "read" else "POST",
        rows=100,
        supported_obligations=OBLIGATIONS,
    )
