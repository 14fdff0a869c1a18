"""Records of distinct calls, each decided by the engine, as many as are wanted.

They are about so many flows, as a company has them, time and again with another path and volume:
no two calls are the same, and none was replayed before.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import cycle, islice

from policyd.engine.decide import Engine
from policyd.ledger.decision_record import Basis, Request, decision_record
from policyd.model.call import Call, Entity
from policyd.model.facts import Facts
from policyd.model.rules import OBLIGATIONS
from policyd.model.snapshot import Snapshot
from tests.benchmarks.company import Check, Company
from tests.benchmarks.kept_log import SPAN, stamp_of

FLOWS = 200_000
_ROWS = 4_096  # volumes come round again; paths do not


def records(company: Company, snapshot: Snapshot, start: datetime, size: int) -> Iterator[bytes]:
    """So many records of what *snapshot* decides, evenly over the time of a log."""
    engine = Engine(snapshot)
    basis = Basis(snapshot.digest, "published", "policyd benchmark", snapshot.vocabulary)
    step = SPAN / size
    checks = cycle([*islice(company.checks(), FLOWS)])
    for number, check in zip(range(2, size), checks, strict=False):  # two records begin every log
        stamp = stamp_of(start + step * number, number)
        call = _call(check, number)
        case = engine.open(call, stamp.at)
        facts = Facts(stamp.at, dict.fromkeys(case.buckets(), 0))
        request = Request(f"10.{number % 7}.{number % 31}.{number % 250}", f"key-{number % 40}")
        yield decision_record(stamp, request, call, facts, engine.judge(case, facts), basis)


def _call(check: Check, number: int) -> Call:
    question = check.question
    return Call(
        subject=Entity("integration", question.integration),
        action=question.action,
        resource=Entity("dataset", question.dataset),
        endpoint=f"https://{check.host}/v1/orders/{number}",
        method="GET" if question.action == "read" else "POST",
        rows=number % _ROWS,
        supported_obligations=OBLIGATIONS,
    )
