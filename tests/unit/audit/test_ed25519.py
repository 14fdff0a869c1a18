"""Ed25519 verification."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from policyd_audit import ed25519

# RFC 8032, section 7.1, tests 1 to 3: public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
            "1cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
            "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
            "984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
SMALL_ORDER = [
    (1).to_bytes(32, "little"),  # the neutral point
    (PRIME - 1).to_bytes(32, "little"),  # order 2
    (0).to_bytes(32, "little"),  # order 4
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),  # order 8
]
# A key with a part of small order, and signatures that fit the equation with the cofactor; the
# first fits it without, too.
MIXED_KEY = bytes.fromhex("cdbc161be64c4302f56443ff29ccf36a2075be1a1fa67ff126b56315f5681c38")
MIXED = [
    (
        b"m4",
        (
            "a6c0381cc655b64838b4b8b4f60b6f074a0ab8ffc7721699704bfd077262d1f379ec88b6672545bf"
            "549ba561235e1a1922640f2c9e932d90e7ad5f451f923a0f"
        ),
        True,
    ),
    (
        b"m0",
        (
            "e7caaa83373a94afae43fec59b447c99ba282b19a7616c24c785ad8966a1e10ee4bff2d6df8d87b8"
            "26b159f5cb78e788f0d2ecb3709e64958a4564a6258de90c"
        ),
        False,
    ),
]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
MESSAGE = b"a checkpoint"
SIGNATURE = KEY.sign(MESSAGE)


def theirs(public: bytes, message: bytes, signature: bytes) -> bool:
    """What another implementation says."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_the_rfc_verify(public: str, message: str, signature: str) -> None:
    """The signatures printed in RFC 8032 are good, and for no other message."""
    key, text, signed = (bytes.fromhex(part) for part in (public, message, signature))
    assert ed25519.verify(key, text, signed)
    assert not ed25519.verify(key, text + b"\0", signed)


@settings(deadline=None, max_examples=50)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200))
def test_what_others_sign_verifies(seed: bytes, message: bytes) -> None:
    """Every signature of another implementation is good."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    assert ed25519.verify(key.public_key().public_bytes_raw(), message, key.sign(message))


@settings(deadline=None, max_examples=100)
@given(bit=st.integers(0, 8 * (32 + 64 + len(MESSAGE)) - 1))
def test_any_changed_bit_is_refused(bit: int) -> None:
    """A single changed bit in key, signature or message is refused, by others too."""
    data = bytearray(PUBLIC + SIGNATURE + MESSAGE)
    data[bit // 8] ^= 1 << bit % 8
    parts = bytes(data[:32]), bytes(data[96:]), bytes(data[32:96])
    assert not ed25519.verify(*parts)
    assert not theirs(*parts)


@settings(deadline=None, max_examples=100)
@given(public=st.binary(max_size=40), signature=st.binary(max_size=70))
def test_random_bytes_are_refused_without_an_exception(public: bytes, signature: bytes) -> None:
    """No bytes at all make verification raise."""
    assert not ed25519.verify(public, MESSAGE, signature)
    assert not ed25519.verify(PUBLIC, MESSAGE, signature)
    assert not ed25519.verify(public, MESSAGE, SIGNATURE)


def test_a_second_spelling_of_the_scalar_is_refused() -> None:
    """S plus the group order fits the equation, but is not the signature that was made."""
    scalar = int.from_bytes(SIGNATURE[32:], "little") + ORDER
    assert not ed25519.verify(PUBLIC, MESSAGE, SIGNATURE[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize("public", SMALL_ORDER)
def test_a_key_of_small_order_is_refused(public: bytes) -> None:
    """A key that would accept one signature for many messages is no key."""
    forged = (1).to_bytes(32, "little") + bytes(32)
    assert not any(ed25519.verify(public, b"%d" % number, forged) for number in range(16))


@pytest.mark.parametrize(
    "number",
    [2, PRIME, PRIME + 1, PRIME + 3, PRIME + 4, 2**255 - 1, 1 | 1 << 255, PRIME - 1 | 1 << 255],
)
def test_bad_points_are_refused(number: int) -> None:
    """What is off the curve, or a second spelling of a point on it, is no key."""
    public = number.to_bytes(32, "little")
    assert ed25519.decode(public) is None
    assert not ed25519.verify(public, MESSAGE, SIGNATURE)


@pytest.mark.parametrize("number", [1, 3, 4, PRIME - 1])
def test_points_have_one_encoding(number: int) -> None:
    """The spelling below the prime is read where the one beyond it is refused."""
    point = ed25519.decode(number.to_bytes(32, "little"))
    assert point is not None
    assert point[1] == number


@pytest.mark.parametrize(("message", "signature", "good"), MIXED)
def test_the_equation_is_that_without_cofactor(
    message: bytes, signature: str, *, good: bool
) -> None:
    """Where implementations are known to differ, this one agrees with the one that signs."""
    assert ed25519.verify(MIXED_KEY, message, bytes.fromhex(signature)) == good
    assert theirs(MIXED_KEY, message, bytes.fromhex(signature)) == good
