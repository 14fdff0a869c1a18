"""The page about reviews, `docs/review.md`; `python -m tests.review.page` prints it."""

import sys
from collections.abc import Iterator

from tests.review import replayed
from tests.review.golden import HERE, Golden, goldens, renderings, reviewed

_HEAD = HERE / "page_head.md"


def page() -> str:
    """The page."""
    parts = [_HEAD.read_text("utf-8").replace("{replay}", replayed.told())]
    for name, golden in goldens().items():
        parts += _shown(name, golden)
    return "\n".join(parts)


def _shown(name: str, golden: Golden) -> Iterator[str]:
    yield f"### {golden.title}"
    yield ""
    yield "```diff"
    for edit in golden.edits:
        yield f"--- {edit.file}"
        yield from (f"- {line}" for line in edit.before.splitlines())
        yield from (f"+ {line}" for line in edit.after.splitlines())
    yield "```"
    yield ""
    yield "```"
    yield renderings(reviewed(name))["terminal.txt"].rstrip()
    yield "```"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
