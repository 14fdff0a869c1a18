"""What the sealer tells the server: a line of JSON for each segment, and one at the end."""

from typing import Literal

import msgspec

from policyd_audit.segment import Segment

ALL = "all"
"""What the server says to the sealer when every segment is to be read from end to end."""


class Looked(msgspec.Struct, frozen=True, tag="looked"):
    """How it stands with one segment, as `sealing.Shelved`; `segment` is absent if it is lost."""

    number: int
    did: Literal["kept", "sealed", "rebuilt", "renewed", "lost"]
    why: str
    segment: Segment | None


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The sealer is through; or it is not, with a code that says why."""

    code: str | None = None
    message: str = ""


Told = Looked | Ended
read = msgspec.json.Decoder(Told).decode
