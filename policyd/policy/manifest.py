"""The digest that names a policy tree."""

from collections.abc import Mapping
from hashlib import sha256

from policyd.policy import layout


def manifest(files: Mapping[str, bytes]) -> bytes:
    """The list of the deciding files of *files*, as `sha256sum` prints it.

    One line for each file, in the order of the paths' UTF-8 bytes: the SHA-256 of its bytes as
    64 lower-case hex digits, two spaces, the path relative to the root with `/` between its
    parts, and a line feed. Comments count; tests, schemas and prose are not in it.
    """
    paths = sorted((path for path in files if layout.decides(path)), key=str.encode)
    lines = (f"{sha256(files[path]).hexdigest()}  {path}\n" for path in paths)
    return "".join(lines).encode()


def digest(files: Mapping[str, bytes]) -> str:
    """The name of the tree in *files*: `sha256:` and the SHA-256 of its manifest in hex."""
    return f"sha256:{sha256(manifest(files)).hexdigest()}"
