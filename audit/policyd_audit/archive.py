"""Archive: this tool as one file that Python runs without installing anything.

    python -m policyd_audit.archive policyd-audit.pyz

The same sources make the same bytes, so the archive of one can be compared with that of another.
"""

import sys
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

_PACKAGE = Path(__file__).parent
_START = b"#!/usr/bin/env python3\n"
_MAIN = b"import runpy\n\nrunpy.run_module('policyd_audit', run_name='__main__')\n"
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier time, and none is needed
_EXECUTABLE = 0o755
_USAGE = 2


def archive() -> bytes:
    """Return the bytes of the archive."""
    sources = {f"policyd_audit/{path.name}": path.read_bytes() for path in _PACKAGE.glob("*.py")}
    data = BytesIO(_START)
    data.seek(len(_START))
    # Not compressed: what a compressor makes of it depends on its version.
    with zipfile.ZipFile(data, "a", zipfile.ZIP_STORED) as file:
        for name, content in sorted({"__main__.py": _MAIN, **sources}.items()):
            file.writestr(zipfile.ZipInfo(name, _EARLIEST), content)
    return data.getvalue()


def main(arguments: Sequence[str]) -> int:
    """Write the archive to the file that is named."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m policyd_audit.archive FILE.pyz\n")
        return _USAGE
    path = Path(arguments[0])
    try:
        path.write_bytes(archive())
        path.chmod(_EXECUTABLE)
    except OSError as error:
        sys.stderr.write(f"policyd-audit: {path} cannot be written: {error.strerror}\n")
        return _USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
