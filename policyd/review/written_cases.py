"""A call and its answer written down as a policy test, ready to be put into a suite."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from policyd.engine.decide import Engine
from policyd.engine.owners import owner_state
from policyd.model.call import Call
from policyd.model.codes import CODES
from policyd.model.decision import Decision, Obligation
from policyd.model.facts import Facts
from policyd.model.rules import OBLIGATIONS, Mode
from policyd.review.cells import METHODS, USUAL_METHOD, obligations

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./@-]*")
_NOT_TEXT = {"true", "false", "null", "True", "False", "Null", "TRUE", "FALSE", "NULL"}
_MAX_LINE = 160


class Expected(NamedTuple):
    """What a person expects of a call; of an allow with these duties, where they are said."""

    allow: bool
    duties: tuple[Obligation, ...] | None = None

    def is_of(self, decision: Decision) -> bool:
        """Whether that is what was decided."""
        if self.allow != decision.allow or not self.allow or self.duties is None:
            return self.allow == decision.allow
        return obligations(self.duties) == obligations(decision.obligations)


def written(
    engine: Engine,
    call: Call,
    now: datetime,
    used: Mapping[str, int],
    why: str = "",
    expected: Expected | None = None,
) -> str:
    """The entry of a suite for *call*: as the tree of *engine* decides it, or as is *expected*.

    What a table of calls cannot leave open, method and endpoint, is as a table has it. The entry is
    indented as the tests of a suite are, so that it can be put at the end of one.

    Args:
        engine: Of the tree.
        call: Of a registered integration.
        now: When it is asked; aware.
        used: What limits have counted before, by rule.
        why: A comment.
        expected: Another answer than the tree gives makes a test that fails on it, as it says.
    """
    home = _home(call, engine.snapshot.connections)
    usual = METHODS.get(call.action, USUAL_METHOD)
    call = replace(call, method=call.method or usual, endpoint=call.endpoint or home)
    case = engine.open(call, now)
    decision = engine.judge(case, Facts(now, used, owner_state(case)))
    known = {ref: count for ref, count in used.items() if ref in engine.snapshot.rules and count}
    is_so = expected is None or expected.is_of(decision)
    verb = "lets" if (decision if expected is None else expected).allow else "does not let"
    it = f"{verb} {call.subject.id} {call.action} {call.resource.id}"
    if call.action == "send":
        it += f" to {call.endpoint}"
    lines = [f"# {line}" for line in why.splitlines()]
    lines += [] if is_so else [f"# It fails on this tree, which decides: {_in_words(decision)}"]
    lines += [f"- it: {_scalar(it[:_MAX_LINE])}"]
    lines += [f"  now: {now.replace(microsecond=0).isoformat().replace('+00:00', 'Z')}"]
    if known:
        lines += [f"  used: {_flow(known)}"]
    lines += [f"  try: {_flow(dict(_table(call, home)))}"]
    answer = _answer(engine, decision) if is_so or expected is None else _said(expected)
    lines += [f"  {name}: {_flow(value)}" for name, value in answer]
    return "".join(f"  {line}\n" for line in lines)


def _in_words(decision: Decision) -> str:
    if decision.allow:
        return f"allow {_flow(obligations(decision.obligations))}"
    against = dict.fromkeys(each.rule or each.code for each in decision.reasons)
    return f"deny, because {', '.join(against)}"


def _said(expected: Expected) -> Iterator[tuple[str, object]]:
    yield "expect", "allow" if expected.allow else "deny"
    if expected.allow and expected.duties is not None:
        yield "obligations", obligations(expected.duties)


def _table(call: Call, home: str | None) -> Iterator[tuple[str, object]]:
    """The call as a table of one."""
    yield "who", call.subject.id
    yield call.action, call.resource.id
    yield from _listed("fields", call.fields)
    yield from _listed("labels", call.labels)
    yield from _listed("sources", call.sources)
    if call.action == "send":
        yield "to", call.endpoint or ""
    elif call.endpoint and call.endpoint != home:
        yield "at", call.endpoint
    usual = METHODS.get(call.action, USUAL_METHOD)
    method = call.method if call.method != usual else None
    about = {"path": call.path, "method": method, "rows": call.rows}
    yield from ((name, value) for name, value in about.items() if value is not None)
    if not {*OBLIGATIONS} <= {*call.supported_obligations}:
        yield "can", call.supported_obligations


def _home(call: Call, connections: Mapping[str, str]) -> str | None:
    """The connection that a table takes where it names none."""
    system = f"{call.resource.id.partition('/')[0]}/"
    return next((name for name in connections if name.startswith(system)), None)


def _answer(engine: Engine, decision: Decision) -> Iterator[tuple[str, object]]:
    yield "expect", "allow" if decision.allow else "deny"
    rules = engine.snapshot.rules
    if decision.allow:
        yield "obligations", obligations(decision.obligations)
    else:
        named = (
            each.rule if each.rule in rules or f"{each.rule}".startswith("zone:") else each.code
            for each in decision.reasons
        )
        yield "because", tuple(dict.fromkeys(each for each in named if each))
    soft = decision.softened
    observed = (each.rule or each.code for each in soft if each.mode is Mode.OBSERVE)
    yield from _listed("would_deny", (e for e in observed if e in rules or e in CODES))
    yield from _listed("lifted", (each.exemption for each in soft if each.exemption))


def _listed(name: str, values: Iterable[str]) -> Iterator[tuple[str, object]]:
    found = tuple(dict.fromkeys(values))
    if found:
        yield name, found


def _flow(value: object) -> str:
    """A value in one line of YAML, maps and lists in brackets."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_scalar(name)}: {_flow(each)}' for name, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_flow(each) for each in value)}]"
    return _scalar(value)


def _scalar(value: object) -> str:
    """A number, or text in quotes unless it is plainly text; JSON's strings are YAML's, too.

    >>> _scalar("hr/pay-run"), _scalar("zone:open/health"), _scalar("007")
    ('hr/pay-run', '"zone:open/health"', '"007"')
    """
    text = str(value)
    is_plain = bool(_PLAIN.fullmatch(text)) and text not in _NOT_TEXT
    if is_plain or not isinstance(value, str) or _is_words(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _is_words(text: str) -> bool:
    """Whether it is several plain words with single spaces between."""
    words = text.split(" ")
    return len(words) > 1 and all(_PLAIN.fullmatch(each) for each in words)
