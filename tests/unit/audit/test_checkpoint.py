"""Checkpoints."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyd_audit import checkpoint
from policyd_audit.checkpoint import Checkpoint
from policyd_audit.errors import Malformed
from policyd_audit.tree import EMPTY_ROOT

ROOT = b64encode(EMPTY_ROOT).decode()


@given(
    origin=st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1),
    size=st.integers(0, checkpoint.MAX_SIZE),
    root=st.binary(min_size=32, max_size=32),
)
def test_what_is_written_is_read(origin: str, size: int, root: bytes) -> None:
    """A checkpoint's text gives back what it was made of."""
    assert checkpoint.parse(checkpoint.body(origin, size, root)) == Checkpoint(origin, size, root)


def test_the_text_is_that_of_the_specification() -> None:
    """Origin, decimal size and base64 root stand on three lines."""
    assert checkpoint.body("log.example", 0, EMPTY_ROOT) == f"log.example\n0\n{ROOT}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"log.example\n0\n{ROOT}",
        f"\n0\n{ROOT}\n",
        f"log.example\n0\n{ROOT}\nextension\n",
        f"log.example\n0\n{ROOT}\n\n",
        *[
            f"log.example\n{size}\n{ROOT}\n"
            for size in ("", "00", "01", "-1", "+1", " 1", "1_0", "\u0661", "\u00b2", "1e3", 2**63)
        ],
        f"log.example\n{'9' * 5000}\n{ROOT}\n",
        f"log.example\n0\n{ROOT[:-1]}\n",
        f"log.example\n0\n{ROOT[:-2]}V=\n",
        f"log.example\n0\n{b64encode(bytes(31)).decode()}\n",
        "log.example\n0\n\n",
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    """One checkpoint has one text; everything else is malformed."""
    with pytest.raises(Malformed) as caught:
        checkpoint.parse(text)
    assert caught.value.code == "checkpoint-malformed"
