"""`CompiledEnforcer`: decides as `casbin.Enforcer` does, without trying rule after rule."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from casbin import Enforcer
from casbin.core_enforcer import CoreEnforcer, EnforceContext
from casbin.model import Model
from casbin.persist import Adapter
from casbin.persist.adapter import load_policy_line

from policyd.engine.compiled.branch import Step
from policyd.engine.compiled.closures import Values
from policyd.engine.compiled.errors import NotCompiled
from policyd.engine.compiled.loaded import Loaded, rules_of
from policyd.engine.compiled.plan import Names, Plan
from policyd.model.errors import UsageError

Explained = tuple[bool, list[Any]]
_DEFAULT: Names = ("r", "p", "m")


class _Way(Protocol):
    """One way to decide: a plan, or pycasbin."""

    steps: list[Step]

    def decide(self, request: Values) -> tuple[bool, Any]: ...
    def explain(self, request: Values) -> Explained: ...


class CompiledEnforcer:
    """A drop-in for `casbin.Enforcer` where it decides.

    It is loaded by pycasbin, from the same model and policy, and then stands still: it does not
    manage policies, log, or switch itself off. A new policy is a new enforcer.
    """

    def __init__(self, model: str | Model, adapter: str | Adapter | None = None) -> None:
        """Load as `casbin.Enforcer(model, adapter)` does, and raise what it raises.

        Args:
            model: Path of a model file, or a model.
            adapter: Path of a policy file, or an adapter.
        """
        self._use(Enforcer(model, adapter))

    @classmethod
    def from_text(cls, model: str, policy: str = "") -> "CompiledEnforcer":
        """The enforcer of a *model* and a *policy* given as the contents of their files."""
        read = Model()
        read.load_model_from_text(model)
        return cls(read, _Lines(policy))

    @classmethod
    def of(cls, enforcer: Enforcer) -> "CompiledEnforcer":
        """What *enforcer* is now: its policy, roles, functions and conditions.

        Raises:
            UsageError: it decides in a way of its own, or has been switched off.
        """
        kind = type(enforcer)
        if (
            kind.enforce is not CoreEnforcer.enforce
            or kind.enforce_ex is not CoreEnforcer.enforce_ex
        ):
            raise UsageError(
                f"`{kind.__name__}` decides in a way of its own; give a plain `casbin.Enforcer`",
                code="enforcer-unknown",
            )
        if not enforcer.enabled:
            raise UsageError(
                "the enforcer is switched off and allows everything; "
                "switch it on with `enable_enforce(True)`",
                code="enforcer-disabled",
            )
        compiled = cls.__new__(cls)
        compiled._use(enforcer)  # noqa: SLF001 - another way to make one
        compiled.explain_plan()
        return compiled

    def enforce(self, *request: Any) -> bool:
        """Whether *request*, which may begin with an `EnforceContext`, is allowed."""
        if request and isinstance(request[0], EnforceContext):
            return self._way(_names(request[0])).decide(request[1:])[0]
        return (self._default or self._way(_DEFAULT)).decide(request)[0]

    def enforce_ex(self, *request: Any) -> Explained:
        """The same, and the rule that explains it; empty where none does.

        The rule is a copy: no caller can edit the policy through it.
        """
        if request and isinstance(request[0], EnforceContext):
            return self._way(_names(request[0])).explain(request[1:])
        return self._way(_DEFAULT).explain(request)

    def batch_enforce(self, requests: Iterable[Sequence[Any]]) -> list[bool]:
        """`enforce` of each."""
        return [self.enforce(*request) for request in requests]

    def explain_plan(self, context: EnforceContext | None = None) -> tuple[Step, ...]:
        """How each part of the matcher runs."""
        return tuple(self._way(_names(context) if context else _DEFAULT).steps)

    def add_function(self, name: str, function: Callable[..., Any]) -> None:
        """Let matchers call *function*."""
        self._casbin.add_function(name, function)
        self._renew()

    def add_named_matching_func(self, ptype: str, function: Callable[[str, str], Any]) -> bool:
        """Take the names in the roles of *ptype* for patterns; whether there are such roles."""
        return self._register("add_named_matching_func", ptype, function)

    def add_named_domain_matching_func(
        self, ptype: str, function: Callable[[str, str], Any]
    ) -> bool:
        """Take the domains in the roles of *ptype* for patterns; whether there are such roles."""
        return self._register("add_named_domain_matching_func", ptype, function)

    def add_named_link_condition_func(
        self, ptype: str, user: str, role: str, function: Callable[..., Any]
    ) -> bool:
        """Let *user* have *role* while *function* says so; whether *ptype* has conditions."""
        return self._register("add_named_link_condition_func", ptype, user, role, function)

    def add_named_domain_link_condition_func(
        self, ptype: str, user: str, role: str, domain: str, function: Callable[..., Any]
    ) -> bool:
        """The same within *domain*."""
        return self._register(
            "add_named_domain_link_condition_func", ptype, user, role, domain, function
        )

    def set_named_link_condition_func_params(
        self, ptype: str, user: str, role: str, *values: Any
    ) -> bool:
        """Call the condition with *values* instead of those of the policy."""
        return self._register("set_named_link_condition_func_params", ptype, user, role, *values)

    def set_named_domain_link_condition_func_params(
        self, ptype: str, user: str, role: str, domain: str, *values: Any
    ) -> bool:
        """The same within *domain*."""
        return self._register(
            "set_named_domain_link_condition_func_params", ptype, user, role, domain, *values
        )

    def _use(self, enforcer: Enforcer) -> None:
        self._casbin = enforcer
        self._rules = rules_of(enforcer)
        self._renew()

    def _renew(self) -> None:
        self._loaded: Loaded | None = None
        self._ways: dict[Names, _Way] = {}
        self._default: _Way | None = None

    def _register(self, method: str, *arguments: Any) -> bool:
        is_known = bool(getattr(self._casbin, method)(*arguments))
        self._renew()
        return is_known

    def _way(self, names: Names) -> _Way:
        """The way to decide, made when first asked for; two threads may both make it."""
        way = self._ways.get(names)
        if way is None:
            way = self._ways[names] = self._make(names)
            self._default = self._ways.get(_DEFAULT)
        return way

    def _make(self, names: Names) -> _Way:
        try:
            loaded = self._loaded = self._loaded or Loaded(self._casbin, self._rules)
            return Plan(loaded, names)
        except NotCompiled as reason:
            return _Handed(self._casbin, names, str(reason))


class _Handed:
    """pycasbin itself, asked each time."""

    def __init__(self, enforcer: Enforcer, names: Names, reason: str) -> None:
        request, policy, matcher = names
        self._casbin = enforcer
        self._context = EnforceContext(request, policy, "e", matcher)
        self.steps = [Step("pycasbin", "all of it", reason)]

    def decide(self, request: Values) -> tuple[bool, Any]:
        return self.explain(request)

    def explain(self, request: Values) -> Explained:
        is_allowed, rule = self._casbin.enforce_ex(self._context, *request)
        return is_allowed, list(rule)


class _Lines(Adapter):  # type: ignore[misc]  # casbin has no types
    """A policy given as text."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def load_policy(self, model: Model) -> None:
        for line in self._lines:
            load_policy_line(line.strip(), model)


def _names(context: EnforceContext) -> Names:
    """The definitions that *context* names; its effect is ignored, as by pycasbin."""
    return context.rtype, context.ptype, context.mtype
