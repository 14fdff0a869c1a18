"""Settings of a server: from `POLICYD_…` variables, overridden by the command line."""

from base64 import b64decode
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from policyd.ledger.personal import FIELDS
from policyd.model.errors import UsageError
from policyd_audit.record import KINDS

PREFIX = "POLICYD_"
OF_CLIENTS = frozenset({"KEY", "URL"})
"""Variables, after the prefix, of the commands that ask a server; one shell may serve and ask."""

_FOR_EVER = 100_000  # days

_WHSEC = "whsec_"
_HIDDEN = "not-shown"  # the type of an error whose input is told to nobody
_SHORTEST_KEY, _LONGEST_KEY = 24, 64  # bytes
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _public(url: str) -> str:
    """The URL, if it can be the identifier of a decision point (AuthZEN 1.0, section 9.1)."""
    parts = urlsplit(url)
    plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\^`{|}?#@')
    has_place = bool(parts.hostname) and parts.port != 0
    if parts.scheme != "https" or not (plain and has_place) or url.endswith("/"):
        raise ValueError("write it like https://policyd.example, without a final `/`")
    return url


def _addresses(text: str) -> str:
    """The addresses, if each can be read and they are not simply all."""
    for each in text.split(","):
        if ip_network(each.strip()).prefixlen == 0:
            raise ValueError("everybody is no proxy: name its address")
    return text


def _personal(text: str) -> str:
    """The names, if each can be kept apart of a record."""
    for each in _words(text):
        if each not in FIELDS:
            raise ValueError(f"`{each}` cannot be kept apart; name some of {', '.join(FIELDS)}")
    return text


def _days(text: str) -> str:
    """The days, if each part is `kind=days` for a kind of record, or for all others `*=days`."""
    for each in _words(text):
        kind, _, days = each.partition("=")
        if kind not in KINDS | {"*"} or not days.isdecimal() or not 0 < int(days) < _FOR_EVER:
            raise ValueError(f"`{each}` is not `kind=days`; write it like decision=400,*=3650")
    return text


def _receiver(url: str) -> str:
    """The URL, if records can be sent there without others reading them."""
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    plain = url.isascii() and url.isprintable() and " " not in url
    if not (is_safe and plain and parts.hostname and parts.port != 0) or "@" in parts.netloc:
        raise ValueError("write it like https://siem.example/policyd; http is for loopback only")
    return url


def _secret(text: str) -> str:
    """The key, if it is one of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64."""
    try:
        key = b64decode(text.removeprefix(_WHSEC), validate=True)
    except ValueError:
        key = b""
    if not text.startswith(_WHSEC) or not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
        # The message must not repeat it, as others do.
        raise PydanticCustomError(_HIDDEN, "it is `whsec_` and 24 to 64 bytes in base64")
    return text


def _words(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


Bytes = Annotated[int, Field(ge=1024, le=1 << 30)]
PublicUrl = Annotated[str, AfterValidator(_public)]
Addresses = Annotated[str, AfterValidator(_addresses)]
ReceiverUrl = Annotated[str, AfterValidator(_receiver)]
Secret = Annotated[
    SecretStr, AfterValidator(lambda each: SecretStr(_secret(each.get_secret_value())))
]
PersonalFields = Annotated[str, AfterValidator(_personal)]
Days = Annotated[str, AfterValidator(_days)]


class Settings(BaseSettings):
    """Every setting; the defaults are for trying policyd on one machine."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    data: Path = Path("policyd-data")
    """The data folder."""
    policies: Path | None = None
    """The policy tree to decide by."""
    origin: str = "policyd.local/log"
    """Name of a new log, known to every verifier: best a host and path of your own."""
    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8321
    """The port to listen on; 0 takes any free one."""
    tls_cert: Path | None = None
    """The certificate of the server with its chain, PEM; with it the server speaks TLS only."""
    tls_key: Path | None = None
    """The private key to the certificate, PEM, without a passphrase."""
    trusted_proxy: Addresses | None = None
    """Proxies whose X-Forwarded-For is believed: addresses or networks, with commas between."""
    public_url: PublicUrl | None = None
    """The https URL under which callers know this server; AuthZEN metadata needs it."""
    guard: Path | None = None
    """The file that knows what the log has published: best on another machine's disk."""
    witnesses: Path | None = None
    """Who cosigns checkpoints, and which of them must: a file in C2SP tlog-policy format."""
    personal: PersonalFields = ""
    """What is kept apart of records, to be erasable: address, on_behalf_of, purpose, …"""
    retention: Days = ""
    """Days that records are kept, by kind, such as decision=400,*=3650; others for ever."""
    webhook_url: ReceiverUrl | None = None
    """Where the log is sent as it grows, in batches of CloudEvents; https, or loopback."""
    notices_url: ReceiverUrl | None = None
    """Where notices are sent: approvals waiting, what ends, emergencies; https, or loopback."""
    webhook_key: Secret | None = None
    """The secret that both are signed with, as in Standard Webhooks: whsec_ and base64."""
    public_log: bool = True
    """Whether checkpoint and hashes of the log are there without a key; records never are."""
    hot_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    """Days after which sealed records leave the ledger's file, which then is quicker to copy."""
    search_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0
    """How long one search may take; what is found until then is answered, and marked as a part."""
    search_bytes: Annotated[int, Field(ge=1 << 27, le=1 << 40)] = 1 << 30
    """Memory that searches may use; beyond it they use the disk."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The mildest level that is logged."""
    max_body_bytes: Bytes = 1 << 20
    """The largest request body that is read."""
    max_tree_bytes: Bytes = 64 << 20
    """The largest request body that is read where it has a policy tree."""
    max_depth: Annotated[int, Field(ge=8, le=256)] = 32
    """The deepest nesting of a request body that is read."""
    queue_records: Annotated[int, Field(ge=1, le=1 << 20)] = 4096
    """Records that may wait for their commit; beyond it checks get 503."""
    queue_bytes: Bytes = 16 << 20
    """Bytes of records that may wait for their commit."""
    ledger_seconds: Annotated[float, Field(ge=0.1, le=60)] = 5.0
    """How long a check waits for the disk of the log; beyond it checks get 503."""


def personal_fields(settings: Settings) -> frozenset[str]:
    """The members of records that are kept apart of them."""
    return frozenset(_words(settings.personal))


def retention_days(settings: Settings) -> dict[str, int]:
    """How many days each kind of record is kept; one that is absent is kept for ever."""
    said = dict(each.split("=") for each in _words(settings.retention))
    others = said.pop("*", None)
    days = dict.fromkeys(KINDS, others) if others else {}
    return {kind: int(each) for kind, each in sorted((days | said).items()) if each}


def read_settings(**given: object) -> Settings:
    """Settings from the environment, except those *given* (and not None).

    Raises:
        UsageError: a value cannot be used; the message names its variable, or its option.
    """
    said = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**said)  # type: ignore[arg-type]  # what pydantic is there to check
    except ValidationError as error:
        faults = "; ".join(_told(each, said) for each in error.errors())
        raise UsageError(f"{faults}; correct it or leave it out", code="setting-invalid") from None


def _told(fault: ErrorDetails, said: Mapping[str, object]) -> str:
    name = str(fault["loc"][0])
    source = f"--{name.replace('_', '-')}" if name in said else f"{PREFIX}{name.upper()}"
    said_of_it = fault["msg"].removeprefix("Value error, ")
    problem = said_of_it[:1].lower() + said_of_it[1:]
    if fault["type"] == _HIDDEN:
        return f"{source} cannot be used: {problem}"
    return f"{source} cannot be `{str(fault['input'])[:80]}`: {problem}"


def check_variables(names: Iterable[str]) -> None:
    """Nothing, if each of the variables with our prefix is one that is read.

    Raises:
        UsageError: one is not; what it was meant to say would not hold, and nobody would know.
    """
    known = {name.upper() for name in Settings.model_fields} | OF_CLIENTS
    ours = {each: each[len(PREFIX) :].upper() for each in names if each.upper().startswith(PREFIX)}
    strange = {each: word for each, word in sorted(ours.items()) if word not in known}
    if strange:
        told = ", ".join(f"`{each[:80]}`{_meant(word, known)}" for each, word in strange.items())
        raise UsageError(
            f"no setting is called {told}; correct it or unset it", code="setting-unknown"
        )


def _meant(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean `{PREFIX}{near[0]}`?" if near else ""


def check_exposure(settings: Settings) -> None:
    """Nothing, if keys cannot be read on their way to a server with these *settings*.

    Raises:
        UsageError: half of a TLS identity, or an address that others reach without encryption.
    """
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise UsageError(
            "TLS needs both a certificate and its key: --tls-cert and --tls-key",
            code="tls-incomplete",
        )
    is_local = settings.host in LOOPBACK
    if not (is_local or settings.tls_cert or settings.trusted_proxy):
        raise UsageError(
            f"on `{settings.host}` keys would travel unencrypted: give --tls-cert and --tls-key,"
            " or name the proxy that has TLS with --trusted-proxy, or leave out --host",
            code="exposed-without-tls",
        )


def check_settings(settings: Settings) -> None:
    """Nothing, if the settings go together.

    Raises:
        UsageError: see `check_exposure` and `webhook_of`.
    """
    check_exposure(settings)
    webhook_of(settings)


def webhook_of(settings: Settings) -> tuple[str, bytes] | None:
    """Where the log is sent, and the key to sign with; None if it is not.

    Raises:
        UsageError: a receiver without a key, or a key without a receiver.
    """
    url, key = settings.webhook_url, settings.webhook_key
    if (url is None and settings.notices_url is None) != (key is None):
        raise UsageError(
            "a webhook needs both POLICYD_WEBHOOK_URL, or POLICYD_NOTICES_URL, and"
            " POLICYD_WEBHOOK_KEY; for a key, take whsec_ and the output of"
            " `openssl rand -base64 32`",
            code="webhook-incomplete",
        )
    return _signed(url, key)


def notices_of(settings: Settings) -> tuple[str, bytes] | None:
    """Where notices are sent, and the key to sign with; None if they are not."""
    return _signed(settings.notices_url, settings.webhook_key)


def _signed(url: str | None, key: SecretStr | None) -> tuple[str, bytes] | None:
    if url is None or key is None:
        return None
    return url, b64decode(key.get_secret_value().removeprefix(_WHSEC))
