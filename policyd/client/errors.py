"""What the client raises."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One failing check: what is wrong, what to do about it, and whom to ask."""

    code: str
    message: str
    fix: str = ""
    contact: str = ""

    def __str__(self) -> str:
        """The reason in one line."""
        parts = [f"{self.code}: {self.message}", self.fix and f"fix: {self.fix}"]
        parts += [self.contact and f"ask {self.contact}"]
        return "; ".join(part.rstrip(".") for part in parts if part)


class Denied(Exception):
    """The call must not run: denied, or there is no answer that allows it.

    Attributes:
        reasons: Every failing check, the first of which gives `code`, `message`, `fix` and
            `contact`.
        decision_id: Of the record, if a decision was made.
    """

    def __init__(self, reasons: Sequence[Reason], decision_id: str | None = None) -> None:
        self.reasons = tuple(reasons) or (_NO_REASON,)
        self.decision_id = decision_id
        told = "".join(f"\n- {reason}" for reason in self.reasons)
        super().__init__(f"denied{f' (decision {decision_id})' if decision_id else ''}:{told}")

    @property
    def code(self) -> str:
        """The stable code of the first reason."""
        return self.reasons[0].code

    @property
    def message(self) -> str:
        """What is wrong."""
        return self.reasons[0].message

    @property
    def fix(self) -> str:
        """What to do about it."""
        return self.reasons[0].fix

    @property
    def contact(self) -> str:
        """Whom to ask."""
        return self.reasons[0].contact


_NO_REASON = Reason("denied", "the server gave no reason", "look the decision up by its id")


class Unavailable(Denied):
    """No answer: the server cannot be reached, is too slow, or cannot record now."""

    def __init__(self, message: str) -> None:
        fix = "try again later; if it lasts, tell whoever runs policyd"
        super().__init__([Reason("policyd-unavailable", message, fix)])


class NotFulfilled(Denied):
    """The block ended, but not all that the decision demanded was done."""
