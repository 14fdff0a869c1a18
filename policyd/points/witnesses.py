"""Witnesses: others who sign that a checkpoint goes on from the last one they saw.

Each keeps the size of the last checkpoint it cosigned. It is sent the next one with the proof that
nothing before it was changed, checks that, and signs checkpoint and time with a key of its own.
So a log that was rewritten gets no further without them. Source: c2sp.org/tlog-witness.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

import httpx2
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from policyd.model.errors import LedgerUnavailable
from policyd.points.witness_policy import Witness, WitnessPolicy
from policyd_audit import cosignature, note
from policyd_audit.errors import Malformed

log = structlog.get_logger(__name__)
Prove = Callable[[int, int], Awaitable[Sequence[bytes]]]
"""The consistency proof from a smaller size of the log to a larger one."""

PATIENCE_S = 2.0
MOST_TRIES = 3
"""Requests for one cosignature: the first may meet another size than expected, once or twice."""

_MOST_BYTES = 1 << 16
_TIME_BYTES = 8
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n?", re.ASCII)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _NotCosigned(Exception):
    """Why a witness gave no cosignature, with a stable code."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    body: bytes


class Witnesses:
    """Asks the witnesses of a policy, all at once.

    Args:
        policy: Who they are, and which of them must cosign.
        prove: The log's proofs.
        patience_s: Seconds until a witness that does not answer is given up for this time.
    """

    def __init__(
        self, policy: WitnessPolicy, prove: Prove, *, patience_s: float = PATIENCE_S
    ) -> None:
        self._policy = policy
        self._prove = prove
        self._patience_s = patience_s
        self._sizes: dict[str, int] = {}  # that each is known to have cosigned
        self._troubles: dict[str, str] = {}  # the code of what keeps each from it
        self._clients = {each.name: _client(each) for each in policy.witnesses}

    async def __aenter__(self) -> Self:
        """The witnesses, whose connections end with the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()

    @property
    def are_required(self) -> bool:
        """Whether a checkpoint may be published only with their quorum."""
        return self._policy.quorum is not None

    async def cosignatures(self, signed: str, size: int) -> str:
        """The lines of those who cosigned the checkpoint *signed* of *size* records, maybe none.

        Raises:
            LedgerUnavailable: there is a quorum, and they are less.
        """
        asked = self._policy.witnesses
        lines = await asyncio.gather(*[self._ask(each, signed, size) for each in asked])
        cosigned = {each.name for each, line in zip(asked, lines, strict=True) if line}
        quorum = self._policy.quorum
        if quorum is not None and not quorum.is_met(cosigned):
            silent = ", ".join(f"`{each.name}`" for each in asked if each.name not in cosigned)
            raise LedgerUnavailable(
                f"the checkpoint of {size} records is not published: its quorum of witnesses is"
                f" not met without {silent}; make them reachable, or change POLICYD_WITNESSES",
                code="witnesses-missing",
            )
        return "".join(lines)

    async def _ask(self, witness: Witness, signed: str, size: int) -> str:
        """The line of one witness; empty if it gave none, which is told once."""
        name = witness.name
        try:
            async with asyncio.timeout(self._patience_s):
                line = await self._negotiate(witness, signed, size)
        except (TimeoutError, httpx2.HTTPError, _NotCosigned) as error:
            code = error.code if isinstance(error, _NotCosigned) else "witness-unreachable"
            why = str(error) or f"no answer within {self._patience_s:g} s"
            if self._troubles.get(name) != code:
                log.warning(code, witness=name, url=witness.url, why=why)
            self._troubles[name] = code
            return ""
        if self._troubles.pop(name, None):
            log.info("witness-cosigns-again", witness=name, url=witness.url)
        return line

    async def _negotiate(self, witness: Witness, signed: str, size: int) -> str:
        """The line of one witness, asked again where it expected another size."""
        for _ in range(MOST_TRIES):
            old = self._sizes.get(witness.name, 0)
            reply = await self._post(witness, old, signed, size)
            if reply.status == httpx2.codes.OK:
                line = _line(witness, signed, reply.body)
                self._sizes[witness.name] = size
                return line
            if reply.status != httpx2.codes.CONFLICT:
                said = reply.body[:200].decode("utf-8", "replace").strip()
                raise _NotCosigned("witness-refuses", f"it answers {reply.status}: {said}")
            self._sizes[witness.name] = _held(reply.body, old, size)
        raise _NotCosigned("witness-refuses", "it names another size each time it is asked")

    async def _post(self, witness: Witness, old: int, signed: str, size: int) -> _Reply:
        proof = await self._prove(old, size)
        head = [f"old {old}", *(b64encode(each).decode() for each in proof), "", ""]
        content = ("\n".join(head) + signed).encode()
        url = f"{witness.url}/add-checkpoint"
        client = self._clients[witness.name]
        async with client.stream("POST", url, content=content) as response:
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    why = f"its answer has more than {_MOST_BYTES:,} bytes"
                    raise _NotCosigned("witness-malformed", why)
            return _Reply(response.status_code, body)


def _client(witness: Witness) -> httpx2.AsyncClient:
    # A proxy is a way to other machines. `Witnesses` has one time limit for all of an asking.
    is_near = urlsplit(witness.url).hostname in _LOOPBACK
    return httpx2.AsyncClient(timeout=None, trust_env=not is_near)


def _held(body: bytes, old: int, size: int) -> int:
    """The size that a 409 names: that of the last checkpoint the witness cosigned."""
    found = _SIZE.fullmatch(body)
    if not found:
        raise _NotCosigned("witness-malformed", "its 409 names no size")
    held = int(found[1])
    if held > size:
        why = (
            f"it has cosigned {held} records of this log, which has {size}: the data folder is an"
            " older copy, or another log has signed with its key; see `policyd audit new-epoch`"
        )
        raise _NotCosigned("witness-ahead", why)
    if held == old:
        why = f"it has cosigned another log of {held} records in this one's name"
        raise _NotCosigned("witness-contradicts", why)
    return held


def _line(witness: Witness, signed: str, body: bytes) -> str:
    """The witness' own signature line of its answer, held to its key; others are left out."""
    text = note.parse(signed).text
    try:
        lines = note.parse(f"{text}\n{body.decode()}").signatures
    except (UnicodeDecodeError, Malformed) as error:
        raise _NotCosigned("witness-malformed", f"its answer has no signatures: {error}") from None
    key = witness.key
    for name, key_id, data in lines:
        if (name, key_id) != (key.name, key.id):
            continue
        seconds = int.from_bytes(data[:_TIME_BYTES])
        try:
            public = Ed25519PublicKey.from_public_bytes(key.public)
            public.verify(data[_TIME_BYTES:], cosignature.message(text, seconds))
        except InvalidSignature:
            raise _NotCosigned("witness-false", "its cosignature is false") from None
        return cosignature.line(name, key.public, seconds, data[_TIME_BYTES:])
    raise _NotCosigned("witness-false", f"nothing in its answer is of the key `{key.name}`")
