"""An invented company of any size, in words that every engine under measurement knows.

Roles of integrations are allowed or forbidden to read, write or send datasets; a send goes to a
listed host whose zone is cleared for the data. Nothing is drawn at random: one size, one company.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from math import prod
from typing import NamedTuple

LEVELS = ("public", "internal", "confidential", "restricted")
CLEARANCE = {"core": 3, "processor": 2, "partner": 1}
ROLES, FLOWS, DATASETS = 10, 20, 40  # of each unit; a unit has one system
_ACTIONS = ("read", "send", "write", "read")  # reads are asked for most
_SPAN = 12  # units whose systems a unit works with
_PREFIXES, _PREFIX = 17, 3  # every how many rules one is about a whole system, and which
_STRIDE = 7919  # a prime: steps through all of anything smaller


class Rule(NamedTuple):
    """A role may do *action* with *data* (exact, or `system/*`), or may not."""

    unit: str
    role: str
    action: str
    data: str
    is_forbid: bool


class Question(NamedTuple):
    """May *integration* do *action* with *dataset*?"""

    integration: str
    action: str
    dataset: str


class Check(NamedTuple):
    """A question about a call that contacts *host*; for a send the place where the data goes."""

    question: Question
    host: str


@dataclass(frozen=True)
class Company:
    """A company with *size* access rules."""

    size: int

    @cached_property
    def units(self) -> tuple[str, ...]:
        """From 4 units with 25 rules to 100 units with as many as it takes."""
        return tuple(f"unit-{u}" for u in range(max(4, min(100, self.size // 50))))

    @cached_property
    def systems(self) -> tuple[str, ...]:
        """One of each unit, in the same order."""
        return tuple(unit.replace("unit", "sys") for unit in self.units)

    @cached_property
    def roles(self) -> Mapping[str, tuple[str, ...]]:
        """Each role and those it brings along."""
        return {
            f"{unit}-role-{r}": (f"{unit}-role-{ROLES - 1 - r}",) if r in {8, 9} else ()
            for unit, r in product(self.units, range(ROLES))
        }

    @cached_property
    def integrations(self) -> Mapping[str, tuple[str, ...]]:
        """Each integration, `unit/flow`, and the roles it was given."""
        return {
            f"{unit}/flow-{f}": tuple(
                f"{unit}-role-{r}" for r in dict.fromkeys((f % ROLES, (3 * f + 1) % ROLES))
            )
            for unit, f in product(self.units, range(FLOWS))
        }

    @cached_property
    def closure(self) -> Mapping[str, tuple[str, ...]]:
        """Each integration, and its roles with all they bring along."""
        return {
            name: tuple(
                dict.fromkeys((*given, *(more for role in given for more in self.roles[role])))
            )
            for name, given in self.integrations.items()
        }

    @cached_property
    def datasets(self) -> Mapping[str, int]:
        """Each dataset, `system/dataset`, and the rank of its level."""
        return {
            f"{system}/d-{d}": 3 if d % 10 == 9 else (7 * d + s) % 3
            for (s, system), d in product(enumerate(self.systems), range(DATASETS))
        }

    @cached_property
    def hosts(self) -> Mapping[str, str]:
        """Each listed host outside the company, and its zone."""
        zones = ("processor", "partner")
        return {f"api.ext-{e}.example": zones[e % 2] for e in range(2 * len(self.units))}

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The access rules, in equal shares for all units."""
        share = -(-self.size // len(self.units))
        every = (self._rule(*at) for at in product(range(len(self.units)), range(share)))
        return tuple(islice(every, self.size))

    def _rule(self, u: int, j: int) -> Rule:
        """Rule *j* of unit *u*; after each about a whole system, one that forbids a part of it."""
        is_forbid = j % _PREFIXES == _PREFIX + 1
        about = j - 1 if is_forbid else j
        step = about // ROLES
        system = self.systems[(u + 5 * step % _SPAN) % len(self.systems)]
        is_whole = j % _PREFIXES == _PREFIX
        return Rule(
            unit=self.units[u],
            role=f"{self.units[u]}-role-{about % ROLES}",
            action=_ACTIONS[step % len(_ACTIONS)],
            data=f"{system}/*" if is_whole else f"{system}/d-{(37 * j + step) % DATASETS}",
            is_forbid=is_forbid,
        )

    @cached_property
    def _spoken(self) -> tuple[set[tuple[str, str, str]], set[tuple[str, str, str]]]:
        """What is allowed and what is forbidden: role, action, data."""
        said: tuple[set[tuple[str, str, str]], ...] = (set(), set())
        for rule in self.rules:
            said[rule.is_forbid].add((rule.role, rule.action, rule.data))
        return said[0], said[1]

    def may(self, question: Question) -> bool:
        """What the access rules say: the answer every engine has to give."""
        asked = [
            (role, question.action, data)
            for role in self.closure[question.integration]
            for data in (question.dataset, f"{question.dataset.partition('/')[0]}/*")
        ]
        allowed, forbidden = self._spoken
        return not allowed.isdisjoint(asked) and forbidden.isdisjoint(asked)

    def passes(self, check: Check) -> bool:
        """What the access rules and the flow of labels say of a whole call."""
        if not self.may(check.question):
            return False
        if check.question.action != "send":
            return True
        zone = self.hosts.get(check.host)
        return zone is not None and self.datasets[check.question.dataset] <= CLEARANCE[zone]

    def questions(self) -> Iterator[Question]:
        """Distinct questions: in turn one that a rule speaks about, and any other; then no more."""
        every = [tuple(self.integrations), ("read", "send", "write"), tuple(self.datasets)]
        space = prod(map(len, every))
        seen: set[Question] = set()
        for n in range(space):
            rule = self.rules[n * _STRIDE % len(self.rules)]
            for question in (
                self._spoken_of(rule, n // len(self.rules) + n),
                _nth(every, n * _STRIDE % space),
            ):
                if question not in seen:
                    seen.add(question)
                    yield question

    def _spoken_of(self, rule: Rule, n: int) -> Question:
        """A question that *rule* speaks about, for an integration that holds its role."""
        role = int(rule.role.rpartition("-")[2])
        system, _, name = rule.data.partition("/")
        dataset = f"{system}/d-{n % DATASETS}" if name == "*" else rule.data
        return Question(f"{rule.unit}/flow-{role + ROLES * (n % 2)}", rule.action, dataset)

    def checks(self) -> Iterator[Check]:
        """Whole calls, distinct; one send in eleven goes to a host that nobody listed."""
        hosts = tuple(self.hosts)
        for n, question in enumerate(self.questions()):
            system = question.dataset.partition("/")[0]
            if question.action != "send":
                yield Check(question, f"{system}.example")
            elif n % 11 == 5:
                yield Check(question, f"drop-{n}.example")
            else:
                yield Check(question, hosts[n * _STRIDE % len(hosts)])


def _nth(every: Sequence[Sequence[str]], n: int) -> Question:
    """The question with number *n*, of all there are."""
    parts = []
    for names in every:
        n, at = divmod(n, len(names))
        parts.append(names[at])
    return Question(*parts)
