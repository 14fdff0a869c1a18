"""Reviews by another process: what it says is heard, and that it ends without a word, too."""

import asyncio
from datetime import UTC, datetime

import pytest

from policyd.model.errors import PolicyUnread
from policyd.points.reviewing import Reviewer

NOW = datetime(2026, 3, 2, tzinfo=UTC)
BAD = {
    "ends": "pass",
    "fails": "raise SystemExit(3)",
    "says nonsense": "print('hello')",
    "says something else": "print('{\"other\": 1}')",
}


def reviewed(program: str, patience_s: float = 60.0) -> list[str]:
    """Which steps are heard of a review that comes to nothing."""
    steps: list[str] = []

    async def story() -> None:
        reviewer = Reviewer(("-c", program), patience_s)
        await reviewer.assess({"a": b"x" * (1 << 20)}, {}, NOW, steps.append)

    with pytest.raises(PolicyUnread) as caught:
        asyncio.run(story())
    assert "did not come to an end" in caught.value.message
    return steps


@pytest.mark.parametrize("how", BAD)
def test_a_review_that_comes_to_nothing(how: str) -> None:
    """Nobody waits for it for ever, and nothing is taken for its outcome."""
    assert reviewed(BAD[how]) == ["beginning"]


def test_a_review_that_hangs() -> None:
    """It is ended when patience is; what it said until then was heard."""
    program = 'import time; print(\'{"step": "proving"}\', flush=True); time.sleep(600)'
    assert reviewed(program, 2.0)[0] == "beginning"
