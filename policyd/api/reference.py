"""The reference of the check API, written from the code by `./run docs`.

As a program it takes the folder of the sample company, which answers the examples.
"""

import json
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from policyd.api.batch import STOPS, batch_body, read_batch
from policyd.api.examples import EXAMPLES, LOOK_UPS, Example, LookUp
from policyd.api.match import shown, sought
from policyd.api.reference_texts import ENDING, EXPLAINED, MATCH, OBLIGATIONS, OPENING, PROBLEMS
from policyd.api.wire import Asked, answer_body, as_call
from policyd.engine.decide import Engine
from policyd.engine.explain import explain
from policyd.engine.match import MAX_NEAR, match
from policyd.model.call import Call
from policyd.model.codes import CODES
from policyd.model.decision import Decision
from policyd.model.facts import Facts
from policyd.policy.load import load

# No example depends on the day or the hour; an instant has to be given all the same.
_NOW = datetime(2026, 11, 10, 10, tzinfo=UTC)
_DEPTH = 32


def page(policies: Path) -> str:
    """The whole reference, as Markdown; the tree at *policies* answers the examples."""
    engine = Engine(load(policies))
    examples = (_example(each, engine) for each in EXAMPLES)
    reasons = (
        [f"`{each.code}`", _words(each.message), _words(each.fix)] for each in CODES.values()
    )
    duties = ([f"`{kind}`", f"`{sent}`", do] for kind, (sent, do) in OBLIGATIONS.items())
    problems = (
        [str(status), f"`{code}`", meaning, fix]
        for code, (status, meaning, fix) in PROBLEMS.items()
    )
    parts = [
        OPENING,
        "## By example\n",
        *examples,
        EXPLAINED.format(check=_explained(EXAMPLES[1], "ceiling", engine)),
        MATCH.format(most=MAX_NEAR),
        *(_look_up(each, engine) for each in LOOK_UPS),
        "## Obligations\n",
        _table(["type", "properties", "what to do"], duties),
        "## Reason codes\n",
        _table(["code", "what it means", "what to do"], reasons),
        "## Problem codes\n",
        _table(["status", "code", "what it means", "what to do"], problems),
        ENDING.format(semantics=", ".join(f"`{each}`" for each in STOPS)),
    ]
    return "\n".join(parts)


def _example(example: Example, engine: Engine) -> str:
    body = json.dumps(example.body).encode()
    sent, got = (_pretty(each) for each in (body, _answer(body, engine)))
    return (
        f"### {example.title}\n\n{example.shows}\n\n"
        f"`POST {example.path}`\n\n```json\n{sent}\n```\n\nAnswer:\n\n```json\n{got}\n```\n"
    )


def _answer(body: bytes, engine: Engine) -> bytes:
    asked = read_batch(body, max_depth=_DEPTH, key_supports=())
    if isinstance(asked, Asked):
        return answer_body(_decide(engine, asked.call), asked.include, in_full=False)
    decisions = tuple(_decide(engine, each.asked.call) for each in asked.items)
    return batch_body(asked.items, decisions, [None] * len(decisions), in_full=False)


def _look_up(example: LookUp, engine: Engine) -> str:
    """One look-up as a builder sees it; the digest would change with every word of a policy."""
    asked = sought(**example.asked)
    found = match(engine, asked.call, _NOW)
    got = shown(asked, found, engine.snapshot, in_part=False, in_full=False)
    got.snapshot = "sha256:…"
    body = _pretty(got.model_dump_json(exclude_unset=True).encode())
    return (
        f"### {example.title}\n\n{example.shows}\n\n"
        f"`GET /v1/destinations/match?{urlencode(example.asked, safe='/:')}`\n\n"
        f"Answer to a builder:\n\n```json\n{body}\n```\n"
    )


def _decide(engine: Engine, call: Call) -> Decision:
    return engine.judge(engine.open(call, _NOW), Facts(_NOW))


def _explained(example: Example, name: str, engine: Engine) -> str:
    """One check of the example's explanation."""
    call = as_call(example.body, ()).call
    told = explain(engine, engine.open(call, _NOW), Facts(_NOW))
    return _pretty(msgspec.json.encode(next(each for each in told.checks if each.name == name)))


def _pretty(body: bytes) -> str:
    """JSON for reading: short lists and objects on one line, as a person would write them."""
    text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    return re.sub(r"([\[{])\s+([^\[\]{}]{1,70}?)\s+([\]}])", _on_one_line, text)


def _on_one_line(found: re.Match[str]) -> str:
    start, inside, end = found.groups()
    return start + re.sub(r",\s*\n\s+", ", ", inside) + end


def _words(template: str) -> str:
    """A message with its names as placeholders.

    >>> _words("no guardrail lets `{subject}` {action}{at}")
    'no guardrail lets *subject* *action* *at*'
    """
    named = re.sub(r"`?\{(\w+)\}`?", r" *\1* ", template.replace("<", "&lt;"))
    return re.sub(r" (?=[/,.;):])|(?<=[/(]) ", "", re.sub(" +", " ", named)).strip()


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page(Path(sys.argv[1])))
