"""The small world that the properties draw companies and calls in: few names, so that they meet."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from policyd.model.calendar import Calendar, Hours, Span
from policyd.model.labels import Vocabulary

WORDS = Vocabulary(
    ("public", "internal", "confidential", "restricted"),
    frozenset({"personal", "payment", "health"}),
)
UNITS = ("sales", "hr")
ROLES = ("reader", "writer", "banker")
INTEGRATIONS = ("sales/sync", "sales/feed", "hr/report")
SYSTEMS = {"erp": ("record", None), "hris": ("record", "hr"), "crm": ("engagement", "sales")}
DATASETS = ("erp/customers", "erp/stock", "hris/staff", "crm/contacts")
FIELDS = ("no", "email", "iban", "sick_days")
ZONES = ("core", "processor", "open")
PLACES = {"erp": "core", "hris": "core", "crm": "processor", "flows": "processor", "bank": "core"}
LAYERS = ("guardrail", "template:feed", "unit:sales", "unit:hr")
DUTIES = ("mask", "tokenise", "drop-fields")
BERLIN = Calendar(
    ZoneInfo("Europe/Berlin"),
    "Europe/Berlin",
    {"night": Hours(frozenset(range(7)), time(22), time(5))},
    {"freeze": (Span(datetime(2026, 3, 28), datetime(2026, 3, 29, 2, 30), "release"),)},  # noqa: DTZ001 - wall clock
)
# Beside them something happens: night, freeze, a last day, the change of the clock; not at noon.
MOMENTS = (
    datetime(2026, 3, 2, 11, 0, tzinfo=UTC),
    datetime(2026, 3, 2, 21, 0, tzinfo=UTC),
    datetime(2026, 3, 2, 23, 0, tzinfo=UTC),
    datetime(2026, 3, 3, 4, 0, tzinfo=UTC),
    datetime(2026, 3, 27, 23, 0, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
)
