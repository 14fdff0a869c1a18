"""Notice: one thing that somebody should know."""

from dataclasses import astuple, dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True, order=True)
class Notice:
    """One thing that somebody should know.

    `until` is RFC 3339 in UTC for changes, company wall clock for what policy says, empty where
    there is no hurry. `owner` is who it is for, where that is known.
    """

    until: str
    code: str
    about: str
    owner: str
    message: str

    @property
    def id(self) -> str:
        """The same for what says the same.

        >>> Notice("", "approval-waiting", "c1", "it", "wait").id
        '7222bf342733251e6493827002f93cd5'
        """
        said = "\n".join(astuple(self))
        return sha256(said.encode()).hexdigest()[:32]
