"""Roles whose links have conditions: casbin's temporal roles and their like."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from casbin.rbac.default_role_manager.role_manager import (
    ConditionalDomainManager,
    ConditionalRoleManager,
)

from policyd.engine.compiled.errors import NotCompiled
from policyd.engine.compiled.roles import is_equality


class Link(NamedTuple):
    """A link to *role*, which holds in a domain if the test for that domain does."""

    role: str
    tests: Mapping[str, Callable[[], Any]]

    def holds(self, domain: str) -> Any:
        """What the test for *domain* says; a link without one holds."""
        test = self.tests.get(domain)
        return True if test is None else test()


class TimedRoles:
    """One role definition with conditions on its links, asked whenever a link is followed.

    A condition is code that was registered for one link; it may raise. Those of a name are asked
    in order of the roles' names, where pycasbin asks in the order of a set.
    """

    def __init__(self, manager: Any) -> None:
        """Take a copy of the links and conditions of *manager*, which pycasbin has loaded.

        Raises:
            NotCompiled: names are compared by a function, or *manager* is not pycasbin's own.
        """
        if type(manager) not in (ConditionalRoleManager, ConditionalDomainManager):
            raise NotCompiled(f"roles are kept by `{type(manager).__name__}`")
        self._has_domain = isinstance(manager, ConditionalDomainManager)
        managers = manager.rm_map if self._has_domain else {"": manager}
        for each in managers.values():
            if not (each.matching_func is None or is_equality(each.matching_func)):
                raise NotCompiled("roles with conditions are compared by a matching function")
        self._above = {domain: _links(each) for domain, each in managers.items()}
        self._levels = manager.max_hierarchy_level + 1  # one more than without conditions

    def linked(self, name: Any, role: Any, *rest: Any) -> bool:
        """casbin's `g(name, role)` or `g(name, role, domain)`; raises what a condition raises."""
        domain = str(rest[0]) if rest else ""
        if name == role:
            return True
        above = self._above.get(domain if self._has_domain else "", {})
        level = {name}
        for _ in range(self._levels):
            if role in level:
                return True
            level = {
                link.role
                for each in sorted(level & above.keys())
                for link in above[each]
                if link.holds(domain)
            }
        return False


def _links(manager: Any) -> dict[str, list[Link]]:
    """The links of each name, in order of the roles' names."""
    return {
        name: [_link(node, role) for role in sorted(node.roles, key=lambda each: each.name)]
        for name, node in manager.all_roles.items()
    }


def _link(node: Any, role: Any) -> Link:
    tests = {
        domain: _test(function, node.get_link_condition_func_params(role, domain))
        for (name, domain), function in node.link_condition_func_map.items()
        if name == role.name
    }
    return Link(role.name, tests)


def _test(function: Callable[..., Any], values: list[Any]) -> Callable[[], Any]:
    return lambda: function(*values)
