"""Manifests of exports: read as they are written, and nothing else."""

from __future__ import annotations

import pytest

from policyd_audit.errors import Malformed
from policyd_audit.export import Export, File, body, parse

EXPORT = Export(
    origin="policyd.example/log",
    id="0199d0c5-9c3e-7d41-8f2a-5b1e0c9a7d33",
    by="k3yk3yk3",
    form="parquet",
    size=70_000,
    root=b"r" * 32,
    records=(256, 70_000),
    left_out=((512, 768), (1024, 1280)),
    files=(File("records-000000.parquet", 5, "0a" * 32), File("records.csv", 0, "ff" * 32)),
)


@pytest.mark.parametrize(
    "export",
    [EXPORT, EXPORT._replace(left_out=(), files=())],
    ids=["full", "bare"],
)
def test_what_is_written_is_read(export: Export) -> None:
    """The text of a manifest says what was put into it."""
    assert parse(body(export)) == export


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("policyd export v1", "policyd export v2"),
        ("origin policyd.example/log", "origin policyd.example log"),
        ("records 256 70000", "records 0256 70000"),
        ("records 256 70000\n", ""),
        ("left-out 512 768", "left-out 512"),
        ("0a0a", "0A0A"),
        ("cnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=", "cnJy" * 11),
        ("cnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=", "=" * 44),
    ],
)
def test_anything_else_is_none(old: str, new: str) -> None:
    """One line that is not as it must be, and it is refused."""
    text = body(EXPORT)
    assert old in text
    with pytest.raises(Malformed, match="not the text of an export's manifest"):
        parse(text.replace(old, new, 1))
