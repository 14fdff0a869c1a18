"""Reading one tree after another: what has not changed is not read again.

What is remembered of a file is a function of its bytes and of what else it was compiled with, and
is used only where all of that is the same; so the outcome is that of reading afresh.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from policyd.model.findings import Finding
from policyd.policy.fitting import Read, fit
from policyd.policy.load import Reading
from policyd.policy.rule_files import RuleFile, RuleSource
from policyd.policy.rule_references import Words

Compile = Callable[[Sequence[RuleSource], Words], Sequence[RuleFile]]
"""How the files that are new or have changed are compiled; in the same order."""

_Fitted = tuple[Read[Any], list[Finding]]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A file of rules, and all that it was compiled of."""

    source: bytes | None
    layer: object
    words: Words
    found: RuleFile


class Remembering(Reading):
    """Reads the files of a tree that were not in the tree before it."""

    def __init__(self, compile_: Compile) -> None:
        """Remember nothing yet."""
        self._compile = compile_
        self._fitted: dict[str, tuple[bytes | None, _Fitted]] = {}
        self._compiled: dict[str, _Compiled] = {}

    def fit(self, file: str, source: bytes | None, shape: type[Any]) -> _Fitted:
        """The file *source* as *shape*, and all that is wrong with it."""
        held = self._fitted.get(file)
        if held is None or held[0] != source:
            held = self._fitted[file] = (source, fit(file, source, shape))
        return held[1]

    def rule_files(self, sources: Sequence[RuleSource], words: Words) -> Sequence[RuleFile]:
        """All files with rules; those compiled that have to be."""
        narrow = _without_integrations(words)
        new = [each for each in sources if not self._is_known(each, words, narrow)]
        for what, found in zip(new, self._compile(new, words), strict=True):
            asked = words if found.asks_integrations else narrow
            self._compiled[what.file] = _Compiled(what.source, what.layer, asked, found)
        return [self._compiled[each.file].found for each in sources]

    def forget(self, files: Sequence[str]) -> None:
        """Keep what is remembered of *files* only."""
        self._fitted = {file: self._fitted[file] for file in files if file in self._fitted}
        self._compiled = {file: self._compiled[file] for file in files if file in self._compiled}

    def _is_known(self, what: RuleSource, words: Words, narrow: Words) -> bool:
        held = self._compiled.get(what.file)
        if held is None or held.source != what.source or held.layer != what.layer:
            return False
        return held.words == (words if held.found.asks_integrations else narrow)


def _without_integrations(words: Words) -> Words:
    """What the check of most units' files asks: integrations of others are nothing to them."""
    nobodys = replace(words.names.integrations, names=None)
    return replace(words, names=replace(words.names, integrations=nobodys))
