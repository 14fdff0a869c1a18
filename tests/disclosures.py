"""Disclosures made without the code under test."""

import json


def disclosure(salt: str, name: str, value: object) -> bytes:
    """The disclosure of one member."""
    return json.dumps([salt, name, value], separators=(",", ":"), ensure_ascii=False).encode()
