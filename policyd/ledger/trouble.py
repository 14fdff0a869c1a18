"""What went wrong with the ledger's file, in words an operator can act on."""

from dataclasses import dataclass

import apsw

from policyd_audit.errors import VerificationError


@dataclass(frozen=True, slots=True)
class Trouble:
    """A stable code, a message with the way out, and the exit status of a writer it ended."""

    code: str
    message: str
    status: int


DAMAGED = "run `policyd-audit verify` on a copy, and restore the data folder from a backup"
"""The way out of a damaged ledger."""

_UNKNOWN = ("internal-error", "{error}: restart policyd; report it if it happens again", 70)

_KNOWN: tuple[tuple[type[Exception] | tuple[type[Exception], ...], tuple[str, str, int]], ...] = (
    (
        apsw.FullError,
        ("disk-full", "the disk is full: free some space, then restart policyd", 10),
    ),
    (
        (apsw.ReadOnlyError, apsw.PermissionsError),
        (
            "ledger-readonly",
            "it may not be written: give policyd a writable data folder, then restart it",
            11,
        ),
    ),
    (
        (apsw.BusyError, apsw.LockedError),
        (
            "ledger-locked",
            "another program holds a lock on it: end that program; read the ledger from a copy",
            12,
        ),
    ),
    (
        apsw.IOError,
        (
            "disk-error",
            "the disk failed ({error}): check the disk and the system's log, then restart policyd",
            13,
        ),
    ),
    (
        (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, ValueError, VerificationError),
        ("ledger-damaged", f"it is damaged ({{error}}): {DAMAGED}", 14),
    ),
    (
        apsw.CantOpenError,
        ("ledger-unreadable", "it cannot be opened: check the data folder and its owner", 15),
    ),
)


def explain(error: Exception, path: str) -> Trouble:
    """What *error*, met while working on the ledger at *path*, means and asks for."""
    code, words, status = next((say for kind, say in _KNOWN if isinstance(error, kind)), _UNKNOWN)
    return Trouble(code, f"the ledger `{path}`: {words.format(error=_named(error))}", status)


def _named(error: Exception) -> str:
    """The error's own words; for one of SQLite with the name of its extended code."""
    extended = getattr(error, "extendedresult", None)
    name = apsw.mapping_extended_result_codes.get(extended) if extended else None
    return f"{name or type(error).__name__}: {error}"
