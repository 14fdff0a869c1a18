"""Columns that are more than a member of the record: a URL's host, an address that sorts."""

_URL = "r.call.destination.canonical"
HOST = f"nullif(trim(regexp_extract({_URL}, '^[a-z]+://(\\[[^\\]]*\\]|[^/:]*)', 1), '[]'), '')"
"""The host of the endpoint's canonical URL; an IPv6 address without its brackets."""

# IPv4 inside IPv6, as a socket for both has it, is IPv4; the zone of an address is not kept.
_PLAIN = "lower(split_part(replace(r.caller.address, '::ffff:', ''), '%', 1))"
_GROUPS = "list_filter(string_split({}, ':'), lambda part: part <> '')"
_LEFT = _GROUPS.format(f"split_part({_PLAIN}, '::', 1)")
_RIGHT = _GROUPS.format(f"split_part({_PLAIN}, '::', 2)")
_LEFT_OUT = f"list_transform(range(8 - len({_GROUPS.format(_PLAIN)})), lambda part: '0')"


def _padded(parts: str, width: int, between: str) -> str:
    padded = f"list_transform({parts}, lambda part: lpad(part, {width}, '0'))"
    return f"array_to_string({padded}, '{between}')"


_IPV4 = _padded(f"string_split({_PLAIN}, '.')", 3, ".")
_IPV6 = _padded(f"{_LEFT} || {_LEFT_OUT} || {_RIGHT}", 4, ":")
ADDRESS_KEY = (
    f"case when regexp_full_match({_PLAIN}, '[0-9]{{1,3}}([.][0-9]{{1,3}}){{3}}')"
    f" then '4:' || {_IPV4}"
    f" when regexp_full_match({_PLAIN}, '[0-9a-f]{{0,4}}(:[0-9a-f]{{0,4}}){{2,7}}')"
    f" then '6:' || {_IPV6} end"
)
"""The caller's address with zeros filled in: `4:010.020.000.001`, `6:fd00:0000:…`."""
