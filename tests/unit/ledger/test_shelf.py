"""The shelf: which segments there are, by the files of their names alone."""

from pathlib import Path

from policyd.ledger.shelf import Shelf


def test_the_segments_there_are(tmp_path: Path) -> None:
    """A file or a manifest is enough; each is named once, whatever else lies there."""
    shelf = Shelf(tmp_path)
    assert shelf.numbers() == []
    shelf.folder.mkdir()
    for name in (
        *("segment-000007.parquet", "segment-000003.parquet", "segment-000003.manifest"),
        *("segment-000012.manifest", "segment-3.parquet", "3", "segment-000004.parquet.half"),
        *(".segment-000005.parquet.half", "segment-٣.parquet", "notes.txt"),
    ):
        (shelf.folder / name).touch()
    assert shelf.numbers() == [3, 7, 12]
