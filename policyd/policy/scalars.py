"""Plain scalars of YAML: what an unquoted word is.

Source: YAML 1.2.2, section 10.3 (core schema). There `no` is text, and so are dates and `07:00`.
"""

import re

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAY_START_A_NUMBER = frozenset("-+.0123456789")
_LONGEST_INTEGER = 18  # digits; what is longer is no number that a policy could mean


def plain(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar.

    >>> [plain(word) for word in ("no", "07:00", "2026-03-27", "0x10", "true", "~")]
    ['no', '07:00', '2026-03-27', 16, True, None]
    """
    if text in _NULLS:
        return None
    if text[0] in _MAY_START_A_NUMBER:
        return _number(text)
    return _BOOLEANS.get(text, text)


def _number(text: str) -> str | int | float:
    if _INTEGER.fullmatch(text) and len(text) <= _LONGEST_INTEGER:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text
