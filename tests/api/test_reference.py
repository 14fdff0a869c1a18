"""The reference of the check API: what `docs/check-api.md` says is what the code does."""

import json
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

from policyd.api.examples import EXAMPLES, LOOK_UPS, Example, LookUp
from policyd.api.problems import problem
from policyd.api.reference import page
from policyd.api.reference_texts import OBLIGATIONS, PROBLEMS
from policyd.engine.duties import LOG_OUTCOME, ROW_LIMIT, TREATMENTS
from policyd.model import errors
from policyd.model.codes import CODES
from tests.servers import JSON, POLICIES, REPOSITORY, Server, bearer, encode

_BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)
_ROW = re.compile(r"^\| `([a-z-]+)` \| (.+) \| (.+) \|$", re.MULTILINE)
WRITTEN = REPOSITORY / "docs" / "check-api.md"
SEARCHING = {"parameters.py", "records.py", "search.py"}  # whose problems no check ends with
CHECKING = [
    *(each for each in REPOSITORY.glob("policyd/api/*.py") if each.name not in SEARCHING),
    REPOSITORY / "policyd/points/decision.py",
]
ON_CHECKS: list[type[errors.PolicydError]] = [
    errors.CallMalformed,
    errors.CallTooLarge,
    errors.KeyUnknown,
    errors.OutOfScope,
    errors.LedgerUnavailable,
    errors.ClockBehind,
    errors.PolicydError,
]
KINDS: dict[str, type[errors.PolicydError]] = {
    "public-url-unset": errors.NotFound,
    "key-out-of-scope": errors.OutOfScope,
}


def test_the_reference_is_current() -> None:
    """The page is what the code writes; to renew it: `./run docs`."""
    assert WRITTEN.read_text("utf-8") == page(POLICIES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.title)
def test_examples_are_real(server: Server, example: Example) -> None:
    """A server answers each example as the page shows it."""
    text = WRITTEN.read_text("utf-8").partition(f"### {example.title}\n")[2]
    sent, shown = (json.loads(block) for block in _BLOCK.findall(text)[:2])
    assert sent == example.body
    headers = JSON | bearer(server.pep("sales"))
    answer = server.send("POST", example.path, encode(sent), headers)
    assert (answer.status, answer.json()) == (200, shown)


@pytest.mark.parametrize("example", LOOK_UPS, ids=lambda each: each.title)
def test_look_ups_are_real(server: Server, example: LookUp) -> None:
    """A server answers a builder's look-up as the page shows it, but for the digest."""
    text = WRITTEN.read_text("utf-8").partition(f"### {example.title}\n")[2]
    shown = json.loads(_BLOCK.findall(text)[0])
    key = server.make_key("builder", units=["sales"])["key"]
    answer = server.get(f"/v1/destinations/match?{urlencode(example.asked)}", key)
    assert answer.status == 200
    assert answer.json() | {"snapshot": shown["snapshot"]} == shown


def test_every_reason_is_in_it() -> None:
    """Each reason code has its line, with a meaning and a fix."""
    rows = _ROW.findall(WRITTEN.read_text("utf-8"))
    told = {code: (meaning, fix) for code, meaning, fix in rows if code in CODES}
    assert set(told) == set(CODES)
    assert all(not set("{}<") & set(meaning + fix) for meaning, fix in told.values())


def test_every_obligation_is_in_it() -> None:
    """Each type of obligation that the engine hands out has its line, and no other."""
    assert set(OBLIGATIONS) == {*TREATMENTS, ROW_LIMIT, LOG_OUTCOME}


def test_every_problem_is_in_it() -> None:
    """Each problem that a check can end with has its line, and so has a malformed request."""
    raised = {code for path in CHECKING for code in codes_in(path)}
    assert set(PROBLEMS) == raised | {each.code for each in ON_CHECKS} | {"request-malformed"}
    for each in ON_CHECKS:
        assert PROBLEMS[each.code][0] == problem(each("")).status
    for code in raised:
        kind = KINDS.get(code, errors.CallMalformed)
        assert PROBLEMS[code][0] == problem(kind("", code=code)).status


def codes_in(path: Path) -> list[str]:
    """The codes that a module gives to the errors it raises."""
    return re.findall(r'\bcode="([a-z-]+)"', path.read_text("utf-8"))
