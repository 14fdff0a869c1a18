"""Fixing: only what is proved to make no difference, and the rest of the file byte for byte."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
import yaml

from policyd.review.lint.edits import edited, without
from policyd.review.lint.fixing import Fixed, changed_lines, fix
from tests.lint_trees import linted, read_tests, subject, tree

NOW = datetime.fromisoformat("2026-07-01T09:00:00+02:00")
EXEMPTION = """\
owner: ciso          # who answers
exemptions:
  # Once, and never again.
  EX-1:
    lifts: guardrail:by-night
    for: {who: [hr/sync], send: [books/pay], to: [files]}
    from: 2026-01-01
    until: 2026-03-31
    asked_by: hr-team
    approved_by: [it, ciso]
    ticket: Risk 17
    reason: Once.
"""


def fixed(case: Mapping[str, Any], now: datetime = NOW) -> tuple[Fixed, dict[str, bytes]]:
    """What fixing the tree of *case* comes to, and its files before."""
    files = tree(case)
    return fix(subject(files, now), read_tests(files)), files


def test_an_exemption_that_is_over_is_taken_out() -> None:
    """With its lines and nothing else; the last one leaves an empty map."""
    done, _ = fixed({"write": {"guardrails/exemptions.yaml": EXEMPTION}})
    assert done.files == {
        "guardrails/exemptions.yaml": b"owner: ciso          # who answers\n"
        b"exemptions:\n  # Once, and never again.\n  {}\n"
    }
    assert [each.id for each in done.made] == ["PD501"]
    assert done.left == []


def test_one_that_a_policy_test_is_about_stays() -> None:
    """The test would name what is not there, so it is told and not done."""
    case = {
        "write": {"guardrails/exemptions.yaml": EXEMPTION},
        "append": {
            "tests/small_test.yaml": "  - it: sees it\n    try: {who: hr/sync, send: books/pay, "
            "to: files/api}\n    expect: deny\n    lifted: [EX-1]\n"
        },
    }
    done, _ = fixed(case)
    assert done.files == {}
    ((notice, why),) = done.left
    assert notice.id == "PD501"
    assert why.startswith("a policy test is about it: tests/small_test.yaml:")


def test_modes_and_roll_outs_that_are_over_are_taken_out() -> None:
    """In maps of lines and in maps in braces, with comments, line ends and mark as they were."""
    until = "mode: observe\n    mode_until: 2026-06-30 # soon\n    mode_owner: it\n    reason: Some"
    company = "runs_on: [books], mode: warn, mode_until: 2026-06-30}  # on trial\n  shop"
    roll_out = "runs_on: [books], rollout: {observe_until: 2026-06-30, owner: it, reason: Now.}}\n"
    case = {
        "change": {
            "guardrails/access.yaml": ["reason: Some", until],
            "policyd.yaml": [
                ["runs_on: [books]}\n  shop", company],
                ["runs_on: [books]}\n", roll_out],
            ],
        }
    }
    done, before = fixed(case)
    clean = tree({})
    comment = {"policyd.yaml": (b"[books]}\n  shop", b"[books]}  # on trial\n  shop")}
    wanted = {
        name: clean[name].replace(*comment.get(name, (b"", b"")))
        if name in comment
        else clean[name]
        for name in case["change"]
    }
    assert done.files == wanted
    assert done.left == []
    lines = changed_lines(before, done.files)
    assert "-    mode_until: 2026-06-30 # soon" in lines


def test_line_ends_and_byte_order_mark_stay() -> None:
    """A file of Windows stays one."""
    files = tree(
        {
            "append": {
                "policyd.yaml": "rollout: {observe_until: 2026-06-30, owner: it, "
                "reason: A month.}\n"
            }
        }
    )
    files["policyd.yaml"] = b"\xef\xbb\xbf" + files["policyd.yaml"].replace(b"\n", b"\r\n")
    done = fix(subject(files, NOW), read_tests(files))
    assert done.files["policyd.yaml"] == b"\xef\xbb\xbf" + tree({})["policyd.yaml"].replace(
        b"\n", b"\r\n"
    )


def test_suppressions_of_nothing_are_taken_out() -> None:
    """One that is over, and one that finds nothing: its line, or the end of a line."""
    case = {
        "change": {
            "guardrails/calendar.yaml": [
                "timezone:",
                "# policyd: ignore PD110 until=2026-06-30 owner=it reason=none\ntimezone:",
            ],
            "guardrails/labels.yaml": [
                "owner: it",
                "owner: it  # policyd: ignore PD503 until=2027-06-30 owner=it reason=none",
            ],
        }
    }
    done, _ = fixed(case)
    assert {each.id for each in done.made} == {"PD802", "PD804"}
    assert done.files == {name: tree({})[name] for name in case["change"]}


def test_what_is_suppressed_is_left_alone() -> None:
    """Somebody said that it stays."""
    comment = '  # policyd: ignore PD501 until=2026-12-31 owner=it reason="we look at it"\n  EX-1'
    done, _ = fixed({"write": {"guardrails/exemptions.yaml": EXEMPTION.replace("  EX-1", comment)}})
    assert done == Fixed()


def test_a_fix_leaves_nothing_over() -> None:
    """A suppression of what is taken out is taken out with it."""
    comment = "  # policyd: ignore PD505 until=2026-12-31 owner=it reason=soon\n  EX-1"
    text = EXEMPTION.replace("  EX-1", comment)
    files = tree({"write": {"guardrails/exemptions.yaml": text}})
    done = fix(subject(files, NOW), read_tests(files))
    assert linted(files | done.files, NOW) == []


@pytest.mark.parametrize(
    ("text", "path", "after"),
    [
        ("a: 1\nb: 2\n", ("a",), "b: 2\n"),
        ("a: 1\nb: 2", ("b",), "a: 1\n"),
        (
            "a:\n  b: 1\n  c:\n    - 1\n    - 2\n\n# end\nd: 1\n",
            ("a", "c"),
            "a:\n  b: 1\n\n# end\nd: 1\n",
        ),
        ("a:\n  b: >\n    text\n    more\n  c: 1\n", ("a", "b"), "a:\n  c: 1\n"),
        ("a:\n  b: 1 # x\nd: 1\n", ("a", "b"), "a:\n  {}\nd: 1\n"),
        ("{a: 1, b: {c: 2}, d: 3}", ("b",), "{a: 1, d: 3}"),
        ("{a: 1, b: {c: 2}, d: 3}", ("d",), "{a: 1, b: {c: 2}}"),
        ("{a: 1, b: {c: 2}, d: 3}", ("b", "c"), "{a: 1, b: {}, d: 3}"),
    ],
)
def test_a_key_is_taken_out_with_its_value(text: str, path: tuple[str, ...], after: str) -> None:
    """Of a map of lines its lines, of a map in braces its entry; what is left is YAML."""
    edit = without("x.yaml", text, path)
    assert edit
    assert edited(text, [edit]) == after
    yaml.safe_load(after)


@pytest.mark.parametrize("path", [("x",), ("a", "b"), ("c", "x")])
def test_a_key_that_is_not_there_is_not_taken_out(path: tuple[str, ...]) -> None:
    """There is no such piece."""
    assert without("x.yaml", "a: 1\nc: {d: 1}\n", path) is None
