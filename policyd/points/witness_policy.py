"""Which witnesses cosign the log, and which of them must: a C2SP tlog-policy file.

    witness security tlog.example/w1+0a1b2c3d+BAAB… https://w1.example
    witness works-council …
    group both all security works-council
    quorum both

With `quorum none` they are asked, but what they answer holds nothing up. Auditors can hand the
same file to their own tools, so `log` lines may stand in it.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from policyd.model.errors import UsageError
from policyd_audit import cosignature
from policyd_audit.errors import Malformed
from policyd_audit.note import Key

_NONE = "none"
_RESERVED = frozenset({"log", "witness", "group", "quorum", "any", "all", _NONE})
_MOST_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Witness:
    """One that cosigns: its name in the file, its key, and where it takes checkpoints."""

    name: str
    key: Key
    url: str

    def is_met(self, cosigned: AbstractSet[str]) -> bool:
        """Whether it is among those that *cosigned*."""
        return self.name in cosigned


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses and groups, of which at least so many have to cosign."""

    least: int
    members: tuple["Witness | Group", ...]

    def is_met(self, cosigned: AbstractSet[str]) -> bool:
        """Whether these are enough."""
        return sum(each.is_met(cosigned) for each in self.members) >= self.least


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """The witnesses to ask, and the quorum without which nothing is published, if any."""

    witnesses: tuple[Witness, ...]
    quorum: Witness | Group | None


def read_witness_policy(path: Path) -> WitnessPolicy:
    """The policy in the file *path*.

    Raises:
        UsageError: it cannot be read, or a line of it is none of a tlog-policy.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        said = f"the witnesses in `{path}` cannot be read ({error}): see POLICYD_WITNESSES"
        raise UsageError(said, code="witnesses-invalid") from None
    parser = _Parser()
    number = 0
    try:
        for number, line in enumerate(text.split("\n"), 1):  # noqa: B007 - named below
            parser.take(line)
        return parser.policy()
    except (ValueError, Malformed) as error:
        message = f"{path}:{number}: {error}; see c2sp.org/tlog-policy"
        raise UsageError(message, code="witnesses-invalid") from None


class _Parser:
    """Takes a policy file line by line; what is wrong with one is a ValueError or Malformed."""

    def __init__(self) -> None:
        self._named: dict[str, Witness | Group] = {}
        self._used: set[str] = set()
        self._quorum: str | None = None

    def take(self, line: str) -> None:
        match line.split():
            case [] | ["log", *_]:
                pass
            case [word, *_] if word.startswith("#"):
                pass
            case ["witness", name, vkey, *url]:
                self._name(name, self._witness(name, vkey, *url))
            case ["group", name, least, *members] if members:
                self._name(name, self._group(least, members))
            case ["quorum", name] if self._quorum is None:
                self._quorum = name
                if name != _NONE:
                    self._known(name)
            case _:
                raise ValueError(f"`{line[:80]}` cannot stand here")

    def policy(self) -> WitnessPolicy:
        """What the lines came to."""
        witnesses = tuple(each for each in self._named.values() if isinstance(each, Witness))
        if self._quorum is None:
            raise ValueError("there is no `quorum` line: end it with one, such as `quorum none`")
        if not witnesses:
            raise ValueError("it names no witness: add one, or unset POLICYD_WITNESSES")
        return WitnessPolicy(witnesses, self._named.get(self._quorum))

    def _name(self, name: str, what: Witness | Group) -> None:
        if name in _RESERVED or name in self._named:
            raise ValueError(f"`{name}` is taken: choose another name")
        self._named[name] = what

    def _known(self, name: str) -> Witness | Group:
        if name not in self._named:
            raise ValueError(f"`{name}` is not named in a line before")
        return self._named[name]

    def _witness(self, name: str, vkey: str, url: str = "", *more: str) -> Witness:
        parts = urlsplit(url)
        is_plain = parts.scheme in {"http", "https"} and parts.hostname and not parts.query
        if more or not is_plain:
            raise ValueError(f"witness `{name}` needs one http or https URL behind its key")
        key = cosignature.parse_vkey(vkey)
        for each in self._named.values():
            if isinstance(each, Witness) and each.key.public == key.public:
                raise ValueError(f"witness `{name}` has the key of `{each.name}`")
        return Witness(name, key, url.rstrip("/"))

    def _group(self, least: str, names: list[str]) -> Group:
        members = tuple(map(self._known, names))
        for name in names:
            if name in self._used:
                raise ValueError(f"`{name}` is in a group already")
            self._used.add(name)
        counted = {"any": "1", "all": str(len(names))}.get(least, least)
        if not (counted.isascii() and counted.isdigit() and 1 <= int(counted) <= len(names)):
            raise ValueError(f"of {len(names)} members `{least}` cannot be needed")
        return Group(int(counted), members)
