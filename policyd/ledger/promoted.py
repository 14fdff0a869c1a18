"""Columns that are more than a member of the record: a URL's host, an address that sorts."""

_URL = "r.call.destination.canonical"
HOST = f"nullif(trim(regexp_extract({_URL}, '^[a-z]+://(\\[[^\\]]*\\]|[^/:]*)', 1), '[]'), '')"
"""The host of the endpoint's canonical URL; an IPv6 address without its brackets."""

# IPv4 inside IPv6, as a socket for both has it, is IPv4; the zone of an address is not kept.
PLAIN = "lower(split_part(replace(r.caller.address, '::ffff:', ''), '%', 1))"
"""The caller's address in the spelling that `ADDRESS_KEY` is made of."""

# A gap is written out as colons: with seven of them there are eight groups, empty ones in the gap.
_COLONS = "length(plain) - length(replace(plain, ':', ''))"
_WHOLE = f"replace(plain, '::', repeat(':', 9 - ({_COLONS})))"


def _padded(parts: str, width: int, between: str) -> str:
    padded = f"list_transform({parts}, lambda part: lpad(part, {width}, '0'))"
    return f"array_to_string({padded}, '{between}')"


_IPV4 = _padded("string_split(plain, '.')", 3, ".")
_IPV6 = _padded(f"string_split({_WHOLE}, ':')", 4, ":")
ADDRESS_KEY = (
    "case when regexp_full_match(plain, '[0-9]{1,3}([.][0-9]{1,3}){3}')"
    f" then '4:' || {_IPV4}"
    " when regexp_full_match(plain, '[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,7}')"
    f" then '6:' || {_IPV6} end"
)
"""The address `plain` with zeros filled in: `4:010.020.000.001`, `6:fd00:0000:…`."""
