"""What pycasbin has loaded, copied, so that nothing that happens to it later is seen."""

from collections.abc import Callable, Mapping
from typing import Any

from casbin.core_enforcer import CoreEnforcer

from policyd.engine.compiled.effects import effect_of
from policyd.engine.compiled.errors import NotCompiled
from policyd.engine.compiled.roles import Roles
from policyd.engine.compiled.timed import TimedRoles

Rules = Mapping[str, list[tuple[Any, ...]]]


class Loaded:
    """The model, effect, functions and roles of an enforcer.

    Attributes:
        model: Its model; the definitions alone are read from it.
        rules: By policy definition, in the order in which they are tried.
        effect: How rules that match become an answer.
        functions: By name, what a matcher may call, roles included.
        roles: By name, those among the roles that never raise.
    """

    def __init__(self, enforcer: CoreEnforcer, rules: Rules) -> None:
        """Copy what *enforcer* has, and *rules*, which are a copy already.

        Raises:
            NotCompiled: something in it is not pycasbin's own.
        """
        self.model, self.rules = enforcer.model, rules
        self.effect = effect_of(enforcer.eft)
        self.functions: dict[str, Callable[..., Any]] = dict(enforcer.fm.get_functions())
        self.roles: dict[str, Roles] = {}
        # As in pycasbin: where one role definition has conditions, all are asked as if they had,
        # and of those that have none only the names are compared.
        is_timed = bool(enforcer.cond_rm_map)
        for name, definition in (enforcer.model["g"] or {}).items():
            manager = definition.cond_rm if is_timed else definition.rm
            if is_timed and manager is not None:
                self.functions[name] = TimedRoles(manager).linked
                continue
            self.roles[name] = Roles(manager)
            self.functions[name] = _is_same if is_timed else self.roles[name].linked


def _is_same(name: Any, role: Any, *_: Any) -> Any:
    return name == role


def rules_of(enforcer: CoreEnforcer) -> Rules:
    """A copy of the rules of *enforcer*, each text of them kept once."""
    texts: dict[str, str] = {}

    def once(value: Any) -> Any:
        return texts.setdefault(value, value) if type(value) is str else value

    return {
        name: [tuple([once(each) for each in rule]) for rule in definition.policy]
        for name, definition in (enforcer.model["p"] or {}).items()
    }


def refuse_other_values(rules: list[tuple[Any, ...]]) -> None:
    """See that *rules* hold texts only, as every policy file does.

    Raises:
        NotCompiled: one holds something else.
    """
    for rule in rules:
        for value in rule:
            if type(value) is not str:
                raise NotCompiled(f"a rule holds `{value!r}`, which is not text")
