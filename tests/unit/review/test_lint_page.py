"""The page of lint rules says what the code does."""

import re
from pathlib import Path

import yaml

from policyd.policy.codes import CODES
from policyd.review.lint.loader_rules import LOADED
from policyd.review.lint.page import page
from policyd.review.lint.registry import RULES

WRITTEN = Path(__file__).parents[3] / "docs" / "lint.md"


def test_the_page_is_current() -> None:
    """It is what the code writes; to renew it: `./run docs`."""
    assert WRITTEN.read_text("utf-8") == page()


def test_every_rule_says_what_to_avoid_what_to_prefer_and_why() -> None:
    """With pieces of YAML that can be read, and a sentence that ends."""
    for rule in RULES.values():
        assert re.fullmatch("PD[0-9]{3}", rule.id)
        assert rule.finds.strip(".") == rule.finds
        assert rule.avoid != rule.prefer
        assert rule.why.endswith(".")
        for piece in (rule.avoid, rule.prefer):
            list(yaml.scan(piece))


def test_what_is_refused_at_load_has_codes_that_there_are() -> None:
    """The table names codes of the loader and no others."""
    for _, codes in LOADED:
        for code in re.findall("`([a-z]+-[a-z-]+)`", codes):
            assert code in CODES
