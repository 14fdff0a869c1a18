"""Signed notes."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from policyd_audit import note
from policyd_audit.errors import Malformed, SignatureError

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())
SAMPLE = VECTORS["policyd_sample"]
SEED = bytes.fromhex(SAMPLE["seed"])
PRIVATE = Ed25519PrivateKey.from_private_bytes(SEED)
PUBLIC = PRIVATE.public_key().public_bytes_raw()
NAME = SAMPLE["origin"]
KEY = note.parse_vkey(SAMPLE["vkey"])
GOOD = SAMPLE["checkpoint_300"]
LINE = GOOD.split("\n")[4]


@pytest.mark.parametrize(
    ("vkey", "text"),
    [
        (VECTORS["signed_note"]["vkey"], VECTORS["signed_note"]["note"]),
        (SAMPLE["vkey"], GOOD),
    ],
)
def test_notes_of_others_verify(vkey: str, text: str) -> None:
    """The note of the specification, and one of an independent program, are good."""
    note.verify(note.parse(text), note.parse_vkey(vkey))


def test_a_note_put_together_is_byte_for_byte_that_of_others() -> None:
    """Key id, verifier key and note have the one form that others make."""
    text = "".join(line + "\n" for line in GOOD.split("\n")[:3])
    assert note.key_id(NAME, PUBLIC).hex() == "88627b43"
    assert note.vkey(NAME, PUBLIC) == SAMPLE["vkey"]
    made = note.signed(text, NAME, PUBLIC, PRIVATE.sign(text.encode()))
    assert GOOD.startswith(made)


def test_a_text_may_contain_empty_lines() -> None:
    """The signatures begin after the last empty line, so a text may have its own."""
    text = "a\n\nb\n"
    parsed = note.parse(note.signed(text, NAME, PUBLIC, PRIVATE.sign(text.encode())))
    assert parsed.text == text
    note.verify(parsed, KEY)


def test_signatures_of_others_are_ignored() -> None:
    """A line of an unknown key neither helps nor harms."""
    assert [each.name for each in note.parse(GOOD).signatures] == [NAME, "witness.example/w1"]
    without_ours = GOOD.replace(LINE + "\n", "")
    with pytest.raises(SignatureError, match="there is no signature of the key") as caught:
        note.verify(note.parse(without_ours), KEY)
    assert caught.value.code == "signature-missing"


@pytest.mark.parametrize("second", [False, True], ids=["alone", "beside a good one"])
def test_a_false_signature_in_the_keys_name_spoils_the_note(*, second: bool) -> None:
    """A signature line of our key that is false is never passed over."""
    false = note.signed("", NAME, PUBLIC, bytes(64)).split("\n")[1]
    text = GOOD.replace(LINE, f"{LINE}\n{false}" if second else false)
    with pytest.raises(SignatureError) as caught:
        note.verify(note.parse(text), KEY)
    assert caught.value.code == "signature-invalid"


def test_a_changed_text_is_not_what_was_signed() -> None:
    """Another size under the same signature is refused."""
    with pytest.raises(SignatureError):
        note.verify(note.parse(GOOD.replace("\n300\n", "\n301\n")), KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text\n",
        "text\n\n",
        GOOD[:-1],
        GOOD.replace("\n300", "\r\n300"),
        GOOD.replace("300", "30\x000"),
        GOOD.replace("\u2014 ", "- "),
        GOOD.replace("\u2014 ", "\u2014"),
        GOOD.replace(f"{NAME} iG", "iG"),
        GOOD.replace(f"{NAME} iG", "a+b iG"),
        GOOD.replace(f"{NAME} iG", "a\u2003b iG"),
        GOOD.replace("rws=", "rws"),
        GOOD.replace("rws=", "rwt="),
        GOOD.replace("rws=", "r_s="),
        GOOD.replace("rws=", "r\u00e9s="),
        f"text\n\n\u2014 {NAME} iGJ7Qw==\n",
        f"text\n\n\u2014 {NAME} \n",
        "text\n\n" + 101 * (LINE + "\n"),
    ],
)
def test_malformed_notes_are_refused(text: str) -> None:
    """Only the exact format is a note."""
    with pytest.raises(Malformed) as caught:
        note.parse(text)
    assert caught.value.code == "note-malformed"


def test_a_hundred_signatures_are_read() -> None:
    """Enough witnesses fit a note."""
    assert len(note.parse("text\n\n" + 100 * (LINE + "\n")).signatures) == 100


@pytest.mark.parametrize(
    ("vkey", "why"),
    [
        ("", "is not `name"),
        ("name", "is not `name"),
        ("name+88627b43", "is not `name"),
        ("name+88627b43+", "is not `name"),
        ("+88627b43+" + SAMPLE["vkey"].split("+", 2)[2], "is not `name"),
        (SAMPLE["vkey"] + "=", "is not `name"),
        (SAMPLE["witness_vkey"], "is not an Ed25519 key"),
        (SAMPLE["vkey"][:-4], "is not an Ed25519 key"),
        (SAMPLE["vkey"].replace("88627b43", "88627b44"), "does not match its own id"),
        (SAMPLE["vkey"].replace("88627b43", "88627B43"), "does not match its own id"),
        (SAMPLE["vkey"].replace("/1+", "/2+"), "does not match its own id"),
    ],
)
def test_bad_verifier_keys_are_refused(vkey: str, why: str) -> None:
    """A key that was cut, misspelt or made for something else is named, not used."""
    with pytest.raises(Malformed, match=why) as caught:
        note.parse_vkey(vkey)
    assert caught.value.code == "key-malformed"


def test_a_verifier_key_may_have_space_around_it() -> None:
    """A key read from a file ends with a newline."""
    assert note.parse_vkey(f" {SAMPLE['vkey']}\n") == note.Key(NAME, KEY.id, PUBLIC)


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(), st.text(alphabet="\n \u2014+=Aa")))
def test_any_text_is_a_note_or_malformed(text: str) -> None:
    """No text makes parsing raise anything else."""
    try:
        note.parse(text)
    except Malformed:
        return
    assert text.endswith("\n")
