"""The application log: one JSON object a line on stderr, without secrets and payloads.

It tells operators what the server does. What was decided stands in the ledger, not here.
"""

import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, Processor

HIDDEN = "[hidden]"
"""Stands where a secret or a payload would have stood."""

_SECRET_WORDS = {
    *("apikey", "authorization", "body", "cookie", "cookies", "credential", "credentials", "key"),
    *("keys", "passphrase", "passwd", "password", "payload", "pepper", "secret", "secrets"),
    *("skey", "token", "tokens"),
}
_ABOUT_THEM = {"bytes", "count", "id", "ids", "limit", "size"}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SECRETS = (
    (re.compile(r"pd_([a-z2-7]{8})_[A-Za-z0-9_-]+"), r"pd_\1_…"),
    (re.compile(r"PRIVATE\+KEY\+\S+"), "PRIVATE+KEY+…"),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), r"\1 …"),
)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DEEPEST = 8
_SAFE_INTEGER = 2**53  # exact in every JSON reader (I-JSON)


def set_up(level: str, *, as_json: bool = False) -> None:
    """Send every log of this process to stderr: ours, uvicorn's, and Python's warnings.

    Args:
        level: The mildest that is logged, such as `info`.
        as_json: JSON also on a terminal, where lines for people are the default.
    """
    for_people = sys.stderr.isatty() and not as_json
    least = logging.getLevelNamesMapping()[level.upper()]
    # What libraries tell of their well-being is for those who look for a fault.
    least_of_others = least if level == "debug" else max(least, logging.WARNING)
    first: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        redact,
    ]
    last = _console() if for_people else structlog.processors.JSONRenderer(serializer=_json)
    structlog.configure(
        processors=[*first, last],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    _route_standard_library(least_of_others, first, last)


def _route_standard_library(least: int, first: list[Processor], last: Processor) -> None:
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[remove_meta, *first, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(least)
    logging.captureWarnings(capture=True)


def _console() -> Processor:
    return structlog.dev.ConsoleRenderer(
        colors="NO_COLOR" not in os.environ,
        timestamp_key="at",
    )


def redact(_: object, __: str, event: EventDict) -> EventDict:
    """*event* in plain values, with secrets and payloads hidden wherever they stand.

    >>> redact(None, "info", {"event": "a key", "secret": "s", "n": 1})
    {'event': 'a key', 'secret': '[hidden]', 'n': 1}
    """
    return {str(name): _value(str(name), value, 0) for name, value in event.items()}


def _value(name: str, value: object, depth: int) -> object:
    if _names_secret(name):
        return HIDDEN
    if value is None or isinstance(value, int | float):
        return value if abs(value or 0) < _SAFE_INTEGER else str(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {_text(str(key)): _value(str(key), each, depth + 1) for key, each in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [_value("", each, depth + 1) for each in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"[{len(value)} bytes]"
    return _text(value if isinstance(value, str) else repr(value))


def _names_secret(name: str) -> bool:
    """Whether a value of this name is not shown; the id or the size of a secret is.

    >>> [_names_secret(name) for name in ("adminKey", "Set-Cookie", "key_id", "monkey")]
    [True, True, False, False]
    """
    words = [word.lower() for word in _WORD.findall(name)]
    return not _SECRET_WORDS.isdisjoint(words) and words[-1] not in _ABOUT_THEM


def _text(text: str) -> str:
    for shape, instead in _SECRETS:
        text = shape.sub(instead, text)
    # Half a surrogate pair is no UTF-8, and a terminal obeys what is no text.
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def _json(event: EventDict, **_: Any) -> str:  # noqa: ANN401 - what JSONRenderer passes for json
    return msgspec.json.encode(event).decode()
