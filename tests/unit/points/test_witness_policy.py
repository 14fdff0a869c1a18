"""Policies of witnesses: which are read, what they come to, and where a wrong one is wrong."""

import re
from pathlib import Path

import pytest

from policyd.model.errors import UsageError
from policyd.points.witness_policy import WitnessPolicy, read_witness_policy
from policyd_audit import cosignature, note


def vkey(number: int) -> str:
    """The verifier key of a witness."""
    return cosignature.vkey(f"w{number}.example", bytes([number]) * 32)


FOUR = "".join(f"witness w{at} {vkey(at)} https://w{at}.example/\n" for at in range(1, 5))


def read(folder: Path, text: str) -> WitnessPolicy:
    """The policy of a file with this text."""
    path = folder / "witnesses"
    path.write_text(text, "utf-8")
    return read_witness_policy(path)


@pytest.mark.parametrize(
    ("lines", "enough", "too_few"),
    [
        ("quorum w2", ["w2"], ["w1", "w3", "w4"]),
        ("group g any w1 w2\nquorum g", ["w2"], ["w3", "w4"]),
        ("group g all w1 w2\nquorum g", ["w1", "w2"], ["w1", "w3"]),
        ("group g 2 w1 w2 w3\nquorum g", ["w1", "w3"], ["w3", "w4"]),
        ("group g 1 w1 w2\ngroup h all g w3 w4\nquorum h", ["w1", "w3", "w4"], ["w1", "w2", "w3"]),
    ],
)
def test_a_quorum_is_met_by_enough(
    lines: str, enough: list[str], too_few: list[str], tmp_path: Path
) -> None:
    """Threshold by threshold, groups within groups."""
    policy = read(tmp_path, FOUR + lines)
    assert policy.quorum is not None
    assert policy.quorum.is_met(set(enough))
    assert not policy.quorum.is_met(set(too_few))


def test_a_policy_may_require_nothing(tmp_path: Path) -> None:
    """All are asked, none is waited for; comments, spaces and `log` lines may be there."""
    text = (
        f"# ours\n\n log {note.vkey('policyd.example/log', bytes(32))}\n\t{FOUR} quorum \t none\n"
    )
    policy = read(tmp_path, text)
    assert policy.quorum is None
    assert [each.name for each in policy.witnesses] == ["w1", "w2", "w3", "w4"]
    assert policy.witnesses[0].url == "https://w1.example"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", ":1: there is no `quorum` line"),
        (FOUR, ":5: there is no `quorum` line"),
        ("quorum none", "names no witness"),
        (f"{FOUR}quorum none\nquorum w1", ":6: `quorum w1` cannot stand here"),
        (f"{FOUR}quorum w5", ":5: `w5` is not named"),
        (f"{FOUR}friend w5", ":5: `friend w5` cannot stand here"),
        (f"{FOUR}group g 1\nquorum g", ":5: `group g 1` cannot stand here"),
        (f"{FOUR}group g 3 w1 w2\nquorum g", ":5: of 2 members `3` cannot be needed"),
        (f"{FOUR}group g 0 w1 w2\nquorum g", "`0` cannot be needed"),
        (f"{FOUR}group g most w1 w2\nquorum g", "`most` cannot be needed"),
        (f"{FOUR}group g any w1 w1\nquorum g", "`w1` is in a group already"),
        (f"{FOUR}group g any none\nquorum g", "`none` is not named"),
        (f"{FOUR}group w1 any w2\nquorum w1", ":5: `w1` is taken"),
        (f"{FOUR}group all any w2\nquorum all", ":5: `all` is taken"),
        (f"witness w1 {vkey(1)}\nquorum none", ":1: witness `w1` needs one http or https URL"),
        (f"witness w1 {vkey(1)} ftp://w1\nquorum none", "needs one http or https URL"),
        (f"witness w1 {vkey(1)} https://w1 https://w2\nquorum none", "needs one http"),
        (f"{FOUR}witness w5 {vkey(2)} https://w5\nquorum none", "`w5` has the key of `w2`"),
        ("witness w1 w1+0+x https://w1\nquorum none", ":1: the verifier key `w1+0+x`"),
        (
            f"witness w1 {note.vkey('w1', bytes(32))} https://w1\nquorum none",
            "is not an Ed25519 key (type 4)",
        ),
    ],
)
def test_a_wrong_line_is_named(text: str, why: str, tmp_path: Path) -> None:
    """Whatever is wrong is told with its place, and no server starts with it."""
    with pytest.raises(UsageError, match=re.escape(why)) as raised:
        read(tmp_path, text)
    assert raised.value.code == "witnesses-invalid"


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_told(content: bytes | None, tmp_path: Path) -> None:
    """The variable that names it is named."""
    path = tmp_path / "witnesses"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot be read .* see POLICYD_WITNESSES"):
        read_witness_policy(path)
