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

_SECRET_NAMES = (
    *("authorization", "body", "cookie", "cookies", "credentials", "key", "passphrase"),
    *("password", "payload", "pepper", "secret", "skey", "token"),
)
_SECRETS = (
    (re.compile(r"pd_([a-z2-7]{8})_[A-Za-z0-9_-]+"), r"pd_\1_…"),
    (re.compile(r"PRIVATE\+KEY\+\S+"), "PRIVATE+KEY+…"),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE), r"\1 …"),
)
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
    _route_standard_library(least, first, last)


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
        exception_formatter=structlog.dev.plain_traceback,
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
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < _SAFE_INTEGER else str(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {_text(str(key)): _value(str(key), each, depth + 1) for key, each in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [_value("", each, depth + 1) for each in value]
    return _text(value if isinstance(value, str) else repr(value))


def _names_secret(name: str) -> bool:
    """Whether the last word of *name* says so: `admin_key` is hidden, `key_id` is not."""
    return re.split(r"[^a-z]+", name.lower())[-1] in _SECRET_NAMES


def _text(text: str) -> str:
    for shape, instead in _SECRETS:
        text = shape.sub(instead, text)
    return text.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair is no UTF-8


def _json(event: EventDict, **_: Any) -> str:  # noqa: ANN401 - what JSONRenderer passes for json
    return msgspec.json.encode(event).decode()
