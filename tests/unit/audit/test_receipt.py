"""Receipts and cosignatures."""

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from policyd_audit import cosignature, note, receipt
from policyd_audit.errors import Contradiction, Malformed, SignatureError, VerificationError
from policyd_audit.receipt import Receipt
from policyd_audit.tree import leaf_hash
from tests.unit.audit.conftest import ORIGIN, SEED, VKEY, signed

SAMPLE = json.loads((Path(__file__).parent / "vectors.json").read_text())["policyd_sample"]
GOOD = SAMPLE["tlog_proof_259"]
KEY = note.parse_vkey(VKEY)
PRIVATE = Ed25519PrivateKey.from_private_bytes(SEED)
WITNESS = note.Key("witness.example/w1", b"", bytes.fromhex(SAMPLE["witness_public"]))


def entry(index: int) -> bytes:
    """The bytes of a record of the sample log."""
    nonce = sha256(str(index).encode()).hexdigest()[:32]
    effect = "allow" if index % 3 else "deny"
    value = {"v": 1, "seq": index, "decision": effect, "nonce": nonce}
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def cosigned(text: str, seconds: int, *, signature: bytes | None = None) -> str:
    """The note *text* with the log's own cosignature, or with these bytes as one."""
    made = signature or PRIVATE.sign(cosignature.message(note.parse(text).text, seconds))
    return text + cosignature.line(ORIGIN, KEY.public, seconds, made)


def test_the_key_of_a_cosigner_is_of_its_own_type() -> None:
    """It is read from its one line; the key of a log is none, nor is the other way round."""
    line = cosignature.vkey(WITNESS.name, WITNESS.public)
    key = cosignature.parse_vkey(line)
    assert (key.name, key.public) == (WITNESS.name, WITNESS.public)
    assert key.id == cosignature.key_id(WITNESS.name, WITNESS.public)
    with pytest.raises(Malformed, match=r"not an Ed25519 key \(type 4\)"):
        cosignature.parse_vkey(VKEY)
    with pytest.raises(Malformed, match=r"not an Ed25519 key \(type 1\)"):
        note.parse_vkey(line)


def test_a_receipt_of_others_holds() -> None:
    """That of an independent program is read, holds, and is written again byte for byte."""
    parsed = receipt.parse(GOOD)
    shown = receipt.check(parsed, KEY, entry(259))
    assert (shown.checkpoint.size, shown.leaf) == (300, leaf_hash(entry(259)))
    assert shown.cosigned is None
    assert receipt.render(parsed) == GOOD


def test_a_receipt_may_hold_its_record() -> None:
    """The bytes in the receipt are what is proved to be in the log."""
    whole = receipt.render(receipt.parse(GOOD)._replace(record=entry(259)))
    assert receipt.parse(whole).record == entry(259)
    assert receipt.check(receipt.parse(whole), KEY).leaf == leaf_hash(entry(259))


@pytest.mark.parametrize(
    ("changed", "record", "code"),
    [
        ({}, None, "record-missing"),
        ({}, entry(258), "proof-invalid"),
        ({"record": entry(258)}, None, "proof-invalid"),
        ({"record": entry(258)}, entry(259), "record-differs"),
        ({"position": 258}, entry(259), "proof-invalid"),
        ({"position": 300}, entry(259), "proof-invalid"),
        ({"proof": ()}, entry(259), "proof-invalid"),
        ({"note": "nothing"}, entry(259), "note-malformed"),
        ({"note": signed("other\n300\nx\n", "other")}, entry(259), "signature-missing"),
        ({"note": signed(f"{ORIGIN}\n")}, entry(259), "checkpoint-malformed"),
        (
            {"note": signed(f"other\n300\n{b64encode(bytes(32)).decode()}\n")},
            entry(259),
            "checkpoint-origin",
        ),
    ],
)
def test_what_a_receipt_does_not_show(
    changed: dict[str, Any], record: bytes | None, code: str
) -> None:
    """Another record, place, path, key or log: it does not hold, with a code that says why."""
    parsed: Receipt = receipt.parse(GOOD)._replace(**changed)
    with pytest.raises(VerificationError) as caught:
        receipt.check(parsed, KEY, record)
    assert caught.value.code == code


LINES = GOOD.split("\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("c2sp.org/tlog-proof@v2\n" + "\n".join(LINES[1:]), 1),
        (LINES[0], 2),
        (LINES[0] + "\nindex 01\n\n", 2),
        (LINES[0] + "\nindex -1\n\n", 2),
        (LINES[0] + "\nindex 9223372036854775807\n\n", 2),
        (LINES[0] + "\nextra ?\nindex 1\n\n", 2),
        (LINES[0] + "\nextra YQ==\n\n", 3),
        (LINES[0] + "\nindex 1\nYQ==\n\n", 3),
        (LINES[0] + "\nindex 1\n" + "\n".join([LINES[2], "?"]) + "\n\n", 4),
        (LINES[0] + "\nindex 1\n" + "\n".join([LINES[2]] * 64) + "\n\n", 3),
    ],
)
def test_a_malformed_line_is_named(text: str, line: int) -> None:
    """What is not a receipt is refused, with the number of the first line that is wrong."""
    with pytest.raises(Malformed) as caught:
        receipt.parse(text)
    assert caught.value.code == "receipt-malformed"
    assert caught.value.facts == {"line": line}
    assert caught.value.message.startswith(f"line {line} of the receipt is malformed: ")


@given(st.integers(0, len(GOOD) - 1), st.sampled_from("A1=\n é+"))
def test_any_change_to_a_receipt_is_seen(at: int, other: str) -> None:
    """Whatever character is another, the receipt is refused; only lines of others are not ours."""
    changed = GOOD[:at] + other + GOOD[at + 1 :]
    if changed == GOOD or GOOD[at:].count("\n") < 2:
        return
    with pytest.raises(VerificationError):
        receipt.check(receipt.parse(changed), KEY, entry(259))


def test_cosignatures_of_others_verify() -> None:
    """The witness of the sample log says when it saw the checkpoint."""
    assert cosignature.vkey(WITNESS.name, WITNESS.public) == SAMPLE["witness_vkey"]
    parsed = note.parse(SAMPLE["checkpoint_300"])
    assert cosignature.time_of(parsed, WITNESS) == SAMPLE["witness_time"]
    assert cosignature.time_of(parsed, KEY) is None


def test_the_newest_cosignature_counts() -> None:
    """A receipt says when the log last stood by its checkpoint."""
    text = cosigned(cosigned(receipt.parse(GOOD).note, 1_767_139_200), 1_767_139_100)
    parsed = receipt.parse(GOOD)._replace(note=text)
    assert receipt.check(parsed, KEY, entry(259)).cosigned == 1_767_139_200


@pytest.mark.parametrize("signature", [bytes(64), b"", PRIVATE.sign(b"x")])
def test_a_false_cosignature_spoils_the_note(signature: bytes) -> None:
    """One in the log's name that is false is never passed over."""
    text = receipt.parse(GOOD).note
    text += cosignature.line(ORIGIN, KEY.public, 7, signature)
    with pytest.raises(SignatureError) as caught:
        receipt.check(receipt.parse(GOOD)._replace(note=text), KEY, entry(259))
    assert caught.value.code == "cosignature-invalid"


def test_a_cosignature_is_no_signature() -> None:
    """Neither kind can be taken for the other, though both are of one key."""
    text = receipt.parse(GOOD).note
    plain = PRIVATE.sign(note.parse(text).text.encode())
    with pytest.raises(SignatureError):
        cosignature.time_of(note.parse(cosigned(text, 7, signature=plain)), KEY)
    body = note.parse(text).text
    alone = note.parse(f"{body}\n" + cosigned(text, 7).removeprefix(text))
    with pytest.raises(SignatureError):
        note.verify(alone, KEY)


def test_contradictions_name_the_record() -> None:
    """A script learns which record was not where it should be."""
    with pytest.raises(Contradiction) as caught:
        receipt.check(receipt.parse(GOOD), KEY, b"other")
    assert caught.value.facts == {"record": 259}
