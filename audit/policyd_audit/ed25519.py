"""Ed25519 signature verification in plain Python (RFC 8032, section 5.1.7).

It only verifies. No secret is ever handled, so its timing tells nothing and may vary. Points are
extended homogeneous coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z and x y = T/Z.
"""

from hashlib import sha512

KEY_BYTES = 32
SIGNATURE_BYTES = 64

Point = tuple[int, int, int, int]

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
_NEUTRAL: Point = (0, 1, 1, 0)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether *signature* is that of *message* by *public_key*; never raises.

    Strict: S below the group order, points in their one encoding, no key of small order, and the
    equation without cofactor.
    """
    key = decode(public_key) if len(public_key) == KEY_BYTES else None
    if key is None or len(signature) != SIGNATURE_BYTES or _is_neutral(_times(8, key)):
        return False
    start, scalar = signature[:32], int.from_bytes(signature[32:], "little")
    if scalar >= _ORDER:
        return False
    digest = sha512(start + public_key + message).digest()
    challenge = int.from_bytes(digest, "little") % _ORDER
    # S B - k A has one encoding, so comparing it with R also refuses every other spelling of R.
    minus_key = (-key[0], key[1], key[2], -key[3])
    difference = _add(_times(scalar, _BASE), _times(challenge, minus_key))
    return _encode(difference) == start


def decode(data: bytes) -> Point | None:
    """Return the point whose one encoding is these 32 bytes (RFC 8032, section 5.1.3)."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    x = _x_of(y, sign) if y < _P else None
    return None if x is None else (x, y, 1, x * y % _P)


def _add(p: Point, q: Point) -> Point:
    """Return the sum (RFC 8032, section 5.1.4)."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _times(scalar: int, point: Point) -> Point:
    total = _NEUTRAL
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _is_neutral(point: Point) -> bool:
    return point[0] == 0 and point[1] == point[2]


def _encode(point: Point) -> bytes:
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _x_of(y: int, sign: int) -> int | None:
    """Return the x of that parity on the curve at *y*, if there is one."""
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    return x if x & 1 == sign else _P - x


_BASE_Y = 4 * pow(5, -1, _P) % _P
_BASE_X = _x_of(_BASE_Y, 0) or 0
_BASE: Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)
