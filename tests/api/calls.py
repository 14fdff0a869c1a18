"""Calls on the sample company, with the ends they come to whatever the day and the hour."""

from typing import Any

Call = dict[str, Any]


def call(subject: str, action: str, data: str, *fields: str, **context: object) -> Call:
    """A check: may *subject* do *action* with these fields of *data* (none named: all)."""
    return {
        "subject": {"type": "integration", "id": subject},
        "action": {"name": action},
        "resource": {"type": "dataset", "id": data, "properties": {"fields": list(fields)}},
        "context": context,
    }


def including(asked: Call, *parts: str) -> Call:
    """The same check, answered with more than the decision."""
    return asked | {"context": asked["context"] | {"policyd": {"include": list(parts)}}}


_CRM = {"endpoint": "crm/api", "path": "contacts", "method": "POST"}

ALLOWED = call("sales/customers-to-crm", "send", "erp/customers", "customer_no", "segment", **_CRM)
"""Allowed without any obligation."""

TOKENISED = call(
    *("sales/customers-to-crm", "send", "erp/customers", "customer_no", "iban"),
    **_CRM,
    supported_obligations=["tokenise"],
)
"""Allowed with the obligation to tokenise the field `iban`."""

DENIED = call(
    *("sales/customers-to-crm", "send", "payroll/payslips"),
    endpoint="https://files.example/drop",
    method="POST",
)
"""Denied by several checks at once."""
