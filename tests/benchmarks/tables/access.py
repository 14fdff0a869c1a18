"""Table `access`: one access decision in process, against casbin and Cedar, at growing size."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from statistics import median
from time import perf_counter
from typing import Any

from tests.benchmarks import company_rules
from tests.benchmarks.company import Company, Question
from tests.benchmarks.peers.casbin import engine as casbin
from tests.benchmarks.peers.cedar import engine as cedar
from tests.benchmarks.plan import Plan
from tests.benchmarks.report import Cell, Column, Goal, Table, at_least, at_most, number, ratio
from tests.benchmarks.timing import Arguments, Contender, in_turns

RULES, COMPILED, CASBIN, CEDAR = "policyd", "compiled", "pycasbin", "cedarpy"
TITLES = {
    RULES: "policyd, guardrails",
    COMPILED: "policyd, CompiledEnforcer",
    CASBIN: "pycasbin",
    CEDAR: "cedarpy",
}
_TURN_S = 0.3
_CHECK_S, _CHECKED = 2.0, (12, 400)  # how long answers are compared, and how many at least, at most
_CALLS = 21_000
_SLOWEST_S = 2.0  # an engine that takes longer for one call is asked about no larger company
COLUMNS = [
    Column("rules", "rules"),
    *(Column(name, title.removeprefix("policyd, "), "µs") for name, title in TITLES.items()),
    Column(f"{CASBIN}_ratio", "pycasbin / policyd", "×"),
    Column(f"{CEDAR}_ratio", "cedarpy / policyd", "×"),
]


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine with the rules of one company.

    Attributes:
        ask: What is measured.
        arguments: What it is asked for a question; made beforehand.
        is_allow: What its answer means.
    """

    ask: Callable[..., Any]
    arguments: Callable[[Question], Arguments]
    is_allow: Callable[[Any], bool] = bool


Make = Callable[[Company, Plan], Engine]


def _of_rules(company: Company, _: Plan) -> Engine:
    snapshot = company_rules.snapshot_without_rules(company)
    rules = company_rules.access_rules(company, snapshot)
    asked = company_rules.Resolver(snapshot).asked
    return Engine(partial(company_rules.allows, rules), lambda question: (asked(question),))


def _of_compiled(company: Company, plan: Plan) -> Engine:
    policy = plan.scratch / "policy.csv"
    casbin.write(company, policy)
    return Engine(_compiled_enforcer()(str(casbin.MODEL), str(policy)).enforce, casbin.arguments)


def _compiled_enforcer() -> Any:  # noqa: ANN401 - it may not be there
    module = importlib.import_module("policyd.engine.access")
    if not hasattr(module, "CompiledEnforcer"):
        raise ImportError("this policyd has none")
    return module.CompiledEnforcer


def _of_casbin(company: Company, plan: Plan) -> Engine:
    policy = plan.scratch / "policy.csv"
    casbin.write(company, policy)
    return Engine(casbin.load(policy).enforce, casbin.arguments)


def _of_cedar(company: Company, _: Plan) -> Engine:
    loaded = cedar.load(company)
    return Engine(
        cedar.cedarpy().is_authorized,
        partial(cedar.arguments, loaded),
        lambda answer: bool(answer.allowed),
    )


MAKERS: dict[str, Make] = {
    RULES: _of_rules,
    COMPILED: _of_compiled,
    CASBIN: _of_casbin,
    CEDAR: _of_cedar,
}


_WAYS = {CEDAR: "; `./run bench --peers` installs it"}
NOTES = (
    "Every engine has the same rules and gives the same answers, which were compared beforehand.",
    "No call comes twice, so nothing is answered from a cache. Microseconds of a call; medians.",
    "The ratios are to CompiledEnforcer, which reads the model.conf and policy.csv of pycasbin.",
    "Cedar's policies and entities are parsed before; casbin's matcher has its cheap test first.",
)


def run(plan: Plan) -> Table:
    """Ask each engine the same distinct questions, in turns."""
    table = Table("access", "One access decision, in process", COLUMNS, notes=list(NOTES))
    makers = dict(MAKERS)
    for size in plan.sizes:
        company = Company(size)
        contenders: dict[str, Contender] = {}
        for name in list(makers):
            plan.say(f"{TITLES[name]} at {size:,} rules")
            try:
                engine = makers[name](company, plan)
            except ImportError as error:
                del makers[name]
                table.missing.append(f"{TITLES[name]}: {error}{_WAYS.get(name, '')}")
                continue
            slow = check(engine, company, name)
            contenders[name] = Contender(engine.ask, _calls(engine, company, slow))
            if slow > _SLOWEST_S / 10:  # the next company is ten times larger
                del makers[name]
                table.notes.append(f"{TITLES[name]} is asked about no more than {size:,} rules.")
        plan.say(f"measuring {', '.join(contenders)} at {size:,} rules")
        in_turns(list(contenders.values()), plan.rounds, _TURN_S)
        table.rows.append(row(size, contenders))
    table.goals = goals(table.rows)
    return table


def check(engine: Engine, company: Company, name: str) -> float:
    """Seconds that a call takes, once the answers have been compared with the company's own.

    Raises:
        AssertionError: one of them is wrong.
    """
    started, done = perf_counter(), 0
    fewest, most = _CHECKED
    for question in islice(company.questions(), most):
        answer = engine.is_allow(engine.ask(*engine.arguments(question)))
        if answer != company.may(question):
            raise AssertionError(f"{name} answers {answer} to {question}")
        done += 1
        if done >= fewest and perf_counter() - started > _CHECK_S:
            break
    return (perf_counter() - started) / done


def _calls(engine: Engine, company: Company, slow_s: float) -> list[Arguments]:
    """Questions that were not asked when the answers were compared; fewer for who is slow."""
    first = _CHECKED[1]
    wanted = max(60, min(_CALLS, int(60 / slow_s)))
    return [engine.arguments(each) for each in islice(company.questions(), first, first + wanted)]


def row(size: int, contenders: dict[str, Contender]) -> dict[str, Any]:
    """The medians of one size, in microseconds, and how they compare."""
    found = {name: 1e6 * median(each.seconds) for name, each in contenders.items()}
    ours = found.get(COMPILED, found.get(RULES))
    ratios = {f"{name}_ratio": ratio(found.get(name), ours) for name in (CASBIN, CEDAR)}
    return {"rules": size, **{name: found.get(name) for name in TITLES}, **ratios}


def goals(rows: Sequence[Mapping[str, Cell]]) -> list[Goal]:
    """Rows 1 and 2 of the goals, as far as the sizes they speak of were measured."""
    at = {entry["rules"]: entry for entry in rows}
    middle, small, large = (at.get(size, {}) for size in (10_000, 1_000, 100_000))
    judged = [
        at_least(
            "1",
            "access decision at 10,000 rules against pycasbin",
            10_000,
            number(middle.get(f"{CASBIN}_ratio")),
        ),
        at_least(
            "1",
            "access decision at 10,000 rules against cedarpy",
            2_000,
            number(middle.get(f"{CEDAR}_ratio")),
        ),
    ]
    for name in (RULES, COMPILED):
        growth = ratio(number(large.get(name)), number(small.get(name)))
        judged.append(
            at_most("2", f"{TITLES[name]}: cost at 100,000 rules against 1,000", 2, growth)
        )
    return judged
