"""A record of a decision, for tests of what follows from one."""

from typing import Any

from policyd.ledger import record
from policyd.ledger.stamp import Stamp


def decided(made: Stamp, effect: str = "allow", **parts: Any) -> bytes:  # noqa: ANN401 - any part
    """What the key `k1` got for a call, with other *parts* of the record."""
    return record.encode(
        record.Decision(
            **record.stamped(made),
            caller=record.Caller(key="k1", address="127.0.0.1"),
            call=record.Call(
                subject="sales/x",
                action="read",
                system="erp",
                dataset="erp/customers",
                labels=record.Labels(),
                destination=record.Destination(),
            ),
            facts=record.Facts(now=made.ts),
            snapshot=f"sha256:{'0' * 64}",
            source="folder",
            engine="policyd/0",
            decision=effect,
            reasons=(),
            obligations=(),
            **parts,
        )
    )
