"""A small log with everything in it that auditors ask about, the same whenever it is made.

It is that of the sample company in a fortnight of March 2026: `SAMPLE` has its leaves, in order.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from policyd.ledger import record
from policyd.ledger.stamp import timestamp, uuid7

ORIGIN = "policyd.example/log"
SNAPSHOT = "sha256:" + "5a" * 32
BEGIN = datetime(2026, 3, 2, 7, tzinfo=UTC)
"""A Monday."""

_DAY = timedelta(days=1)
_ENGINE = "policyd/0.1.0 idna/3.20"
_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_RESTRICTED = ("restricted", "personal", "payment")
_PEOPLE = ("confidential", "personal")


class Made:
    """Leaves that are added one by one, each with a time not before that of the last."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self._at = BEGIN

    def at(self, day: int, clock: str) -> None:
        """Go on on that day, counted from 0, at that time in UTC."""
        hour, minute = map(int, clock.split(":"))
        self._at = BEGIN.replace(hour=hour, minute=minute) + day * _DAY

    def add(self, kind: type[record.Record], **members: Any) -> str:  # noqa: ANN401 - as structs
        """Add a record; its id."""
        self._at += timedelta(microseconds=1_007)
        number = len(self.leaves)
        drawn = sha256(str(number).encode()).digest()
        made_id = uuid7(self._at, drawn[:10])
        head: dict[str, Any] = {
            "v": 1,
            "id": made_id,
            "ts": timestamp(self._at),
            "nonce": drawn[:16].hex(),
        }
        self.leaves.append(record.encode(kind(**head, **members)))
        return made_id

    def decide(
        self,
        subject: str,
        action: str,
        dataset: str,
        place: tuple[str | None, str],
        labels: tuple[str, ...] = ("internal",),
        *reasons: record.Reason,
        allow: bool = True,
        **more: Any,  # noqa: ANN401 - members of the call or of the decision
    ) -> str:
        """Add a decision; its id."""
        name, zone = place
        host = f"{name}.example" if name else "paste.sh"
        unit = subject.partition("/")[0]
        own = {each: more.pop(each) for each in ("would", "obligations", "owner") if each in more}
        rows = more.pop("rows", None)
        call = record.Call(
            subject=subject,
            unit=more.pop("unit", unit),
            action=action,
            system=dataset.partition("/")[0],
            dataset=dataset,
            stage=more.pop("stage", "production"),
            labels=record.Labels(effective=labels),
            destination=record.Destination(
                sent=f"https://{host}/v1", canonical=f"https://{host}/v1", name=name, zone=zone
            ),
            volume=None if rows is None else record.Volume(rows=rows),
            **more,
        )
        duties = own.get("obligations", ())
        return self.add(
            record.Decision,
            caller=record.Caller(key=f"k{unit}pep", address="10.1.2.3"),
            call=call,
            facts=record.Facts(now=timestamp(self._at), owner=own.get("owner")),
            snapshot=SNAPSHOT,
            source="folder",
            engine=_ENGINE,
            decision="allow" if allow else "deny",
            would=own.get("would"),
            reasons=reasons,
            obligations=tuple(
                record.Obligation(id=each, type=each, properties={}) for each in duties
            ),
        )

    def report(self, decision: str, status: str = "ok", rows: int | None = None) -> None:
        """Add the outcome of a decision."""
        index = next(number for number, leaf in enumerate(self.leaves) if decision.encode() in leaf)
        caller = record.Caller(key="ksalespep", address="10.1.2.3")
        self.add(
            record.Outcome, caller=caller, decision=decision, index=index, status=status, rows=rows
        )

    def look(self, key: str, text: str, rows: int) -> None:
        """Add a query."""
        caller = record.Caller(key=key, address="10.9.0.7")
        self.add(record.Query, caller=caller, text=text, rows=rows)


def reason(code: str, check: str, rule: str | None = None, **more: str) -> record.Reason:
    """A failing check."""
    return record.Reason(code=code, check=check, rule=rule, **more)


CRM, BANK, NEWS, CORE = (
    ("crm", "processor"),
    ("bank", "core"),
    ("newsletter", "processor"),
    (
        "erp",
        "core",
    ),
)
FREEZE = "guardrail:records-rest-in-a-freeze"


def _first_week(log: Made) -> None:
    log.add(record.Epoch, origin=ORIGIN)
    log.add(record.Admin, act="key-created", target="kaudit", by="init")
    log.add(record.PolicyChange, snapshot=SNAPSHOT, source="folder", reason="start")
    for day, clock in ((0, "08:00"), (0, "08:20"), (1, "08:00"), (2, "08:00")):
        log.at(day, clock)
        said = log.decide(
            *("sales/customers-to-crm", "send", "erp/customers", CRM),
            rows=100,
            traceparent=_TRACE,
            request_id=f"r{day}",
            fields=("customer_no", "segment"),
        )
        log.report(said, rows=98)
    log.at(3, "09:00")
    log.decide(
        *("hr/pay-run", "send", "payroll/payslips", BANK, _RESTRICTED),
        rows=40,
        obligations=("tokenise", "log-outcome"),
    )
    log.decide(
        *("sales/campaign-mailer", "send", "crm/contacts", NEWS, _PEOPLE),
        rows=500,
        obligations=("mask",),
    )
    log.at(4, "10:30")
    unlisted = reason("destination-not-allowlisted", "destination")
    said = log.decide(
        *("sales/campaign-mailer", "send", "crm/contacts", (None, "open"), _PEOPLE, unlisted),
        allow=False,
    )
    log.report(said, "ran-despite-deny", 500)
    unknown = reason("integration-unregistered", "registered")
    log.decide(
        *("sales/pandas-script", "read", "erp/customers", (None, "open"), _RESTRICTED),
        *(unknown, unlisted),
        allow=False,
        unit=None,
        stage=None,
    )
    log.look("kaudit", "decision:deny unit:sales", 2)


def _second_week(log: Made) -> None:
    log.at(7, "06:00")
    freeze = reason("change-freeze", "forbid", FREEZE)
    log.decide(
        *("finance/rates-to-erp", "write", "erp/exchange-rates", CORE, ("internal",), freeze),
        allow=False,
    )
    lifted = reason("change-freeze", "forbid", FREEZE, exemption="EX-2026-009")
    log.decide(
        *("webshop/orders-to-erp", "write", "erp/sales-orders", CORE, _PEOPLE, lifted),
        sources=("shop/orders",),
        rows=12,
    )
    log.at(8, "11:00")
    observed = reason("limit-exceeded", "limit", "guardrail:records-read-per-day", mode="observe")
    log.decide(
        *("hr/hris-trial", "read", "hris/employees", ("airflow", "core"), _PEOPLE, observed),
        rows=9_000,
        stage="sandbox",
    )
    ceiling = reason("outside-ceiling", "ceiling")
    log.decide(
        *("plants/lab-report", "send", "lims/results", CRM, ("confidential",), ceiling),
        would="deny",
        rows=3,
    )
    log.decide(
        *("plants/old-report", "read", "lims/results", ("lims", "core"), ("confidential",)),
        *(reason("owner-inactive", "registered"),),
        allow=False,
        owner="quarantined",
    )
    log.decide(
        *("finance/ledger-copy", "read", "erp/ledger", ("rpa", "core"), ("confidential",)),
        owner="grace",
        rows=70,
    )
    log.at(9, "12:00")
    caller = record.Caller(key="kaudit", address="10.9.0.7")
    log.add(record.Export, caller=caller, form="parquet", first=0, end=20, size=20)
    log.look("kbuild", "id:whatever", 0)
    ran = record.Unasked(subject="hr/pay-run", action="send", dataset="payroll/payslips")
    pep = record.Caller(key="khrpep", address="10.1.2.3")
    log.add(record.Outcome, caller=pep, call=ran, status="ran-unasked", rows=1)
    log.add(
        record.Hold,
        act="placed",
        name="case-17",
        by="kaudit",
        reason="order of the court",
        scope=record.Scope(unit="sales"),
    )
    refused = record.Refusal(address="10.4.4.4", code="unauthenticated", count=3)
    since, until = timestamp(BEGIN + 9 * _DAY), timestamp(BEGIN + 9 * _DAY + timedelta(minutes=1))
    log.add(record.Refusals, since=since, until=until, counts=(refused,))


def make() -> list[bytes]:
    """The leaves of the log, in order."""
    log = Made()
    _first_week(log)
    _second_week(log)
    return log.leaves


SAMPLE = make()
