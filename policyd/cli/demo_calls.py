"""The calls that the demo plays, on the sample company."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Scene:
    """One call, told in a sentence, and the reason code it must meet; None if it is allowed."""

    title: str
    call: dict[str, Any]
    code: str | None = None


def _call(
    subject: str, action: str, data: str, fields: tuple[str, ...] = (), **context: object
) -> dict[str, Any]:
    about: dict[str, Any] = {"type": "dataset", "id": data}
    if fields:
        about["properties"] = {"fields": list(fields)}
    return {
        "subject": {"type": "integration", "id": subject},
        "action": {"name": action},
        "resource": about,
        "context": context | {"policyd": {"include": ["reasons"]}},
    }


_CRM: dict[str, Any] = {"endpoint": "crm/api", "path": "contacts", "method": "POST"}
_DOCK: dict[str, Any] = {"endpoint": "dock-booking/slots", "method": "POST"}
_NOTE = ("note_no", "driver_name", "plate")
_LOOKALIKE = "https://eu1.crm-cloud.example.files.example/v3/contacts"

SCENES = (
    Scene(
        "Sales sends customer numbers to the CRM.",
        _call(
            "sales/customers-to-crm", "send", "erp/customers", ("customer_no", "segment"), **_CRM
        ),
    ),
    Scene(
        "With the bank account among them, it goes as a token.",
        _call(
            *("sales/customers-to-crm", "send", "erp/customers", ("customer_no", "iban")),
            **_CRM,
            supported_obligations=["tokenise"],
        ),
    ),
    Scene(
        "A partner's dock is told who arrives, with the person masked.",
        _call(
            *("plants/dock-slots", "send", "erp/delivery-notes", _NOTE),
            **_DOCK,
            supported_obligations=["mask"],
        ),
    ),
    Scene(
        "The same call from a client that never said it can mask.",
        _call("plants/dock-slots", "send", "erp/delivery-notes", _NOTE, **_DOCK),
        "obligation-unsupported",
    ),
    Scene(
        "A script that nobody registered.",
        _call("sales/weekend-script", "send", "crm/contacts", ("email",), **_CRM),
        "integration-unregistered",
    ),
    Scene(
        "A call that does not say where it goes.",
        _call("sales/customers-to-crm", "send", "erp/customers", ("customer_no",), method="POST"),
        "call-incomplete",
    ),
    Scene(
        "Recipes on their way out of the house.",
        _call(
            *("plants/batches-to-analytics", "send", "mes/recipes"),
            endpoint="analytics/load",
            method="POST",
        ),
        "guardrail-forbids",
    ),
    Scene(
        "A campaign report that wants to read pay slips.",
        _call(
            *("sales/campaign-report", "read", "payroll/payslips"),
            endpoint="payroll/api",
            method="GET",
        ),
        "outside-ceiling",
    ),
    Scene(
        "A CRM sync that tries another place.",
        _call(
            *("sales/customers-to-crm", "send", "erp/sales-orders", ("order_no",)),
            endpoint="analytics/load",
            method="POST",
        ),
        "outside-template",
    ),
    Scene(
        "A host that only looks like the CRM.",
        _call(
            *("sales/customers-to-crm", "send", "erp/customers", ("customer_no",)),
            endpoint=_LOOKALIKE,
            method="POST",
        ),
        "destination-not-allowlisted",
    ),
    Scene(
        "Sick leave read from a flow that runs in the cloud.",
        _call(
            *("hr/joiners-to-tickets", "read", "hris/absences", ("employee_no", "kind")),
            endpoint="hris/api",
            method="GET",
        ),
        "category-never-enters-zone",
    ),
    Scene(
        "A destination IT lists, which the unit itself has not allowed.",
        _call(
            *("plants/machine-alerts", "send", "mes/energy"),
            endpoint="chat/hooks",
            method="POST",
        ),
        "unit-does-not-allow",
    ),
    Scene(
        "Sales forbids that anyone else gives its contacts to the language model.",
        _call(
            *("webshop/shop-assistant", "send", "crm/contacts", ("segment",)),
            endpoint="llm/chat",
            method="POST",
            supported_obligations=["row-limit", "log-outcome"],
        ),
        "data-owner-forbids",
    ),
)
