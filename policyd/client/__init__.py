"""policyd.client: ask before data moves, and do what the answer demands.

Standard library only, and nothing of the server: copy this folder anywhere, under any name.

    from policyd.client import Policyd

    policyd = Policyd("https://policyd.example", key)
    with policyd.allow(
        subject="sales/customers-to-crm", action="send", data="erp/customers",
        fields=["customer_no", "segment"], to="crm/api", path="contacts", method="POST",
        rows=len(rows),
    ) as grant:
        with httpx2.Client(event_hooks=grant.httpx_hooks()) as web:
            web.post("https://eu1.crm-cloud.example/v3/contacts", json=grant.apply(rows))

The block runs only if the call is allowed; otherwise `Denied` says why and what to do. Every
request and every redirect is checked against the place the decision is about, and the outcome is
reported at the end. A copy under another name works the same.
"""

from .aio import AsyncGrant, AsyncPolicyd
from .errors import Denied, NotFulfilled, Reason, Unavailable
from .grant import Grant
from .obligations import Obligation
from .question import CallParts, Question
from .sync import Policyd

__all__ = [
    "AsyncGrant",
    "AsyncPolicyd",
    "CallParts",
    "Denied",
    "Grant",
    "NotFulfilled",
    "Obligation",
    "Policyd",
    "Question",
    "Reason",
    "Unavailable",
]
