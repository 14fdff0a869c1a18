"""The company's access rules as policyd's engine has them, and calls as it resolves them."""

from datetime import UTC, datetime

from policyd.engine.access import AccessRules
from policyd.engine.decide import Engine
from policyd.engine.resolve import Asked
from policyd.model.call import Call, Entity
from policyd.model.rules import Place, Rule, Section, Sentence
from policyd.model.snapshot import Snapshot
from policyd.policy.load import load_files
from tests.benchmarks.company import Company, Question
from tests.benchmarks.company_files import files

LAYER = "guardrail"
NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
_PLACE = Place("guardrails/access.yaml", 1, 1)


def snapshot_without_rules(company: Company) -> Snapshot:
    """The company's people, data and places."""
    return load_files(files(company, with_rules=False))


def access_rules(company: Company, snapshot: Snapshot) -> AccessRules:
    """All rules of the company as one layer, compiled."""
    groups = {name: who.names for name, who in snapshot.integrations.items()}
    rules = [
        Rule(
            ref=f"{LAYER}:rule-{number}",
            layer=LAYER,
            section=Section.FORBID if rule.is_forbid else Section.CEILING,
            sentence=Sentence(data={rule.action: (rule.data,)}, who=(rule.role,)),
            owner="it",
            reason="A rule.",
            fix=None,
            place=_PLACE,
        )
        for number, rule in enumerate(company.rules)
    ]
    return AccessRules(rules, groups, snapshot.vocabulary)


class Resolver:
    """Resolves questions against a company without rules, as the engine does before it asks."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._engine = Engine(snapshot)

    def asked(self, question: Question) -> Asked:
        """The question as access rules see it."""
        call = Call(
            subject=Entity("integration", question.integration),
            action=question.action,
            resource=Entity("dataset", question.dataset),
        )
        return self._engine.open(call, NOON).asked


def allows(rules: AccessRules, asked: Asked) -> bool:
    """Whether the layer covers the call and forbids nothing about it."""
    found = rules.matches(LAYER, asked)
    return bool(found.allows) and not found.forbids
