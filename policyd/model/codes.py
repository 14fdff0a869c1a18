"""The closed list of reason codes: every way a call can fail, and what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """A reason code, the check that gives it, and its words.

    `message` and `fix` are templates over the names in `engine.checks`; a code that comes from a
    rule takes the rule's own reason and fix where it has them. `ask` says who can help where no
    rule has an owner: the `unit`, the owner of the `data`, or of the `list` of destinations.
    """

    code: str
    check: str
    message: str
    fix: str
    ask: str = "unit"


_ALL = (
    ReasonCode(
        "integration-unregistered",
        "registered",
        "`{subject}` is not a registered integration",
        "check its spelling, `integration` `unit/name`,"
        " or register it in units/{unit}/integrations.yaml",
    ),
    ReasonCode(
        "integration-expired",
        "registered",
        "`{subject}` was registered until {until}",
        "renew `until` in units/{unit}/integrations.yaml, or remove the integration",
    ),
    ReasonCode(
        "owner-inactive",
        "registered",
        "nobody answers for `{subject}` any more",
        "name a new owner for it in units/{unit}/integrations.yaml",
    ),
    ReasonCode(
        "call-incomplete",
        "complete",
        "the call does not say {missing}",
        "send {missing} with the call",
    ),
    ReasonCode(
        "action-unknown",
        "complete",
        "`{action}` is not an action",
        "use read, write, send or delete",
    ),
    ReasonCode(
        "dataset-unknown",
        "complete",
        "`{data}` is not a catalogued dataset",
        "ask for a `dataset` of guardrails/labels.yaml as `system/dataset`, or have it added",
        "list",
    ),
    ReasonCode("guardrail-forbids", "forbid", "a guardrail forbids it", "ask the rule's owner"),
    ReasonCode(
        "change-freeze",
        "forbid",
        "a freeze is on",
        "wait for the end of the freeze, or ask the rule's owner",
    ),
    ReasonCode(
        "template-forbids",
        "template",
        "the integration's template forbids it",
        "stay inside the template, or register without it",
    ),
    ReasonCode("unit-forbids", "unit", "the unit forbids it", "ask the rule's owner"),
    ReasonCode(
        "data-owner-forbids",
        "data-owner",
        "the unit that owns the data forbids it",
        "ask the rule's owner",
    ),
    ReasonCode(
        "outside-ceiling",
        "ceiling",
        "no guardrail lets `{subject}` {action} `{data}`{at}",
        "ask for a line in guardrails/access.yaml, or for a role that has it",
        "data",
    ),
    ReasonCode(
        "outside-template",
        "template",
        "template `{template}` does not cover {action} `{data}`{at}",
        "stay inside the template, or register without it",
    ),
    ReasonCode(
        "unit-does-not-allow",
        "unit",
        "unit `{unit}` does not allow `{subject}` to {action} `{data}`{at}",
        "add a line to units/{unit}/access.yaml",
    ),
    ReasonCode(
        "endpoint-unreadable",
        "destination",
        "the endpoint cannot be read in exactly one way: {problem}",
        "send a connection name such as `crm/api`, or one plain absolute URL",
        "list",
    ),
    ReasonCode(
        "destination-not-allowlisted",
        "destination",
        "{place} is on no list, or not listed for `{subject}`",
        "use a connection of guardrails/systems.yaml, or ask for the destination",
        "list",
    ),
    ReasonCode(
        "method-not-allowlisted",
        "destination",
        "destination `{destination}` does not take {method}",
        "use a method that guardrails/destinations.yaml lists for it",
        "list",
    ),
    ReasonCode(
        "endpoint-mismatch",
        "destination",
        "destination `{destination}` is not where to {action} `{data}`",
        "read, write and delete at the system that holds the data; send goes elsewhere",
    ),
    ReasonCode(
        "category-never-enters-zone",
        "label-flow",
        "{what} has a category ({category}) that never enters zone `{zone}`",
        "leave it out, or use a destination in another zone",
    ),
    ReasonCode(
        "label-exceeds-clearance",
        "label-flow",
        "{what} is {level}; zone `{zone}` is cleared for {clearance}",
        "name milder fields only, or use a destination in another zone",
    ),
    ReasonCode(
        "source-needs-treatment",
        "label-flow",
        "it has data ({duty}) that may enter zone `{zone}` only once it is treated",
        "ask to send the fields that are needed, which says how to treat each, and write those",
    ),
    ReasonCode(
        "volume-exceeded",
        "limit",
        "{adds} {measure} would pass the limit of {amount} per {per}, of which {used} are used",
        "wait for the next {per}, or move less",
    ),
    ReasonCode(
        "approval-required",
        "obligation",
        "`{approver}` has to approve it",
        "ask the rule's owner for an exemption for this call",
    ),
    ReasonCode(
        "fields-not-named",
        "obligation",
        "a duty to {duty} needs the names of the fields",
        "name in resource.properties.fields the fields that the call moves",
    ),
    ReasonCode(
        "obligation-unsupported",
        "obligation",
        "the call needs `{duty}`{about}, which the caller did not declare that it can do",
        "support it, and declare it in context.supported_obligations or on the key",
    ),
    ReasonCode(
        "duty-softened",
        "obligation",
        "the duty to {duty} is not in force now",
        "prepare for it: it will be",
    ),
    ReasonCode(
        "item-malformed",
        "batch",
        "the item of the batch is not a well-formed call",
        "send subject, action and resource as the standard has them",
        "list",
    ),
    ReasonCode(
        "not-evaluated",
        "batch",
        "an earlier item of the batch ended it",
        "send the call again, alone or under execute_all",
        "list",
    ),
    ReasonCode(
        "engine-error",
        "engine",
        "the decision could not be computed, so the answer is no",
        "try again; if it stays, report the decision id to those who run policyd",
        "list",
    ),
)

CODES = {each.code: each for each in _ALL}
"""Every reason code by name."""
