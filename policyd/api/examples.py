"""Requests on the sample company, shown in the reference of the check API with their answers."""

from dataclasses import dataclass
from typing import Any

from policyd.api.checks import BATCH_PATH, PATH

_CRM = {"endpoint": "crm/api", "path": "contacts", "method": "POST"}


@dataclass(frozen=True, slots=True)
class Example:
    """One request: what it shows, and what is sent."""

    title: str
    shows: str
    path: str
    body: dict[str, Any]


def _call(data: str, *fields: str, **context: object) -> dict[str, Any]:
    about = {"properties": {"fields": list(fields)}} if fields else {}
    return {
        "subject": {"type": "integration", "id": "sales/customers-to-crm"},
        "action": {"name": "send"},
        "resource": {"type": "dataset", "id": data} | about,
        "context": context,
    }


_ALLOWED = _call("erp/customers", "customer_no", "segment", **_CRM)
_TOKENISED = _call("erp/customers", "customer_no", "iban", **_CRM)
_ELSEWHERE = {"endpoint": "https://files.example/drop", "method": "POST"}
_REASONS = {"policyd": {"include": ["reasons"]}}

EXAMPLES = (
    Example(
        "A call that may run",
        "The call names who runs, what it does, to which data, and the endpoint it contacts.",
        PATH,
        _ALLOWED,
    ),
    Example(
        "A call that may not run, and why",
        "`reasons` has every check that failed. Do what each `fix` says, or ask its `contact`.",
        PATH,
        _call("payroll/payslips", **_ELSEWHERE, **_REASONS),
    ),
    Example(
        "A duty that the caller cannot do",
        "This call needs a field to be tokenised, and does not say that its caller can do so.",
        PATH,
        _TOKENISED | {"context": _CRM | _REASONS},
    ),
    Example(
        "A call that may run under an obligation",
        "The same call, declared. Fulfil every obligation before the data moves, or stop.",
        PATH,
        _TOKENISED | {"context": _CRM | {"supported_obligations": ["tokenise"]}},
    ),
    Example(
        "A call that lacks a part",
        "A misspelt member is one that is missing. Nothing is opened by it.",
        PATH,
        _call("erp/customers", "customer_no", end_point="crm/api", **_REASONS),
    ),
    Example(
        "Several calls at once",
        "The second item takes all but its resource from the top. The third cannot be read.",
        BATCH_PATH,
        {name: _ALLOWED[name] for name in ("subject", "action", "context")}
        | {
            "evaluations": [
                {"resource": _ALLOWED["resource"]},
                {"resource": {"type": "dataset", "id": "payroll/payslips"}},
                {"resource": "erp/customers"},
            ]
        },
    ),
)


@dataclass(frozen=True, slots=True)
class LookUp:
    """One question where a URL goes: what it shows, and its parameters."""

    title: str
    shows: str
    asked: dict[str, str]


LOOK_UPS = (
    LookUp(
        "What a URL becomes, and what takes it",
        "Each part that is spelt in another way now is a change; the query takes no part at all.",
        {
            "endpoint": "HTTPS://EU1.Crm-Cloud.example.:443/v3/%7Ejo?page=2",
            "method": "POST",
            "subject": "sales/customers-to-crm",
        },
    ),
    LookUp(
        "A connection that is not for this integration",
        "`reasons` are those of a check. `near` has what is in the way of each entry, and what it"
        " lists there.",
        {"endpoint": "bank/ebics", "method": "GET", "subject": "sales/customers-to-crm"},
    ),
)
