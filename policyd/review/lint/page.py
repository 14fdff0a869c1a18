"""The page of all lint rules, `docs/lint.md`; `python -m policyd.review.lint.page` prints it."""

import sys
from collections.abc import Iterator

from policyd.review.lint.loader_rules import LOADED, NOT_HERE
from policyd.review.lint.registry import RULES
from policyd.review.lint.rule import LintRule

_HEAD = """\
# Lint

<!-- Written by `./run docs` from the code; changes belong there. -->

`policyd lint policies` says what keeps a tree from going live, and then what may be written and
should not be. `policyd lint --explain PD702` says what a rule is for; `--fix` takes out what is
proved to make no difference. `--format sarif`, `junit` and `github` are for CI, `json` is for
programs. It ends with 0 if nothing blocks, 1 if something does, 2 if it was asked in a way it
cannot answer.

Each rule has a level in IT's files (`policyd.yaml`, `guardrails/`) and one in those of units:
`error` blocks (exit code 1), `warning` and `info` are told, `off` is not. IT sets others in
`policyd.yaml`:

```yaml
lint:
  PD702: info
  PD204: {units: error}
```

What has to stay gets a comment on its line or on the line above, with whoever answers for it, the
last day, and the reason:

```yaml
hosts: [203.0.113.7]  # policyd: ignore PD702 until=2026-12-31 owner=plant-it reason="no names yet"
```

Such a comment silences nothing if a part is missing, once its day has passed, or where the rule
is an error in one of IT's files; each of these is a finding of its own, and so is one that silences
nothing.

| rule | finds | guardrails | units | fix |
|---|---|---|---|---|
"""
_LOADED = """\
## What is refused at load

These need no rule: a tree that has them does not go live, and no comment silences them.

| what | code |
|---|---|
"""
_NOT_HERE = """\
## What is no matter of one tree

| what | where it is told |
|---|---|
"""


def page() -> str:
    """The whole page, as Markdown."""
    parts = [_HEAD + "".join(map(_row, RULES.values()))]
    parts += map(_section, RULES.values())
    parts.append(_LOADED + "".join(f"| {what} | {codes} |\n" for what, codes in LOADED))
    parts.append(_NOT_HERE + "".join(f"| {what} | {where} |\n" for what, where in NOT_HERE))
    return "\n".join(parts)


def _row(rule: LintRule) -> str:
    fix = "yes" if rule.is_fixed else ""
    link = f"[{rule.id}](#{rule.id.lower()}-{rule.name})"
    return f"| {link} `{rule.name}` | {rule.finds} | {' | '.join(_levels(rule))} | {fix} |\n"


def _levels(rule: LintRule) -> Iterator[str]:
    return (each.value if each else "off" for each in (rule.guardrails, rule.units))


def _section(rule: LintRule) -> str:
    return f"""\
## {rule.id} {rule.name}

Finds {rule.finds}.

Avoid

```yaml
{rule.avoid}
```

Prefer

```yaml
{rule.prefer}
```

{rule.why}
"""


if __name__ == "__main__":
    sys.stdout.buffer.write(page().encode())
