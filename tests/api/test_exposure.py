"""How a server is reached: TLS, a proxy that has it, or loopback only."""

import http.client
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.api.calls import ALLOWED
from tests.servers import EVALUATION, JSON, POLICIES, Answer, Home, Server, answer_of, bearer
from tests.servers import encode as as_json
from tests.servers import policyd as run

if TYPE_CHECKING:
    from tests.api.conftest import Start


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""

    cert: Path
    key: Path
    locked_key: Path  # the same with a passphrase

    def variables(self) -> dict[str, str]:
        """What a server's environment has."""
        return {"POLICYD_TLS_CERT": str(self.cert), "POLICYD_TLS_KEY": str(self.key)}

    def options(self) -> list[str]:
        """What `policyd serve` is given."""
        return ["--tls-cert", str(self.cert), "--tls-key", str(self.key)]


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """A TLS identity in files."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "policyd.example")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    places = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36_500))
        .add_extension(places, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    made = Identity(folder / "cert.pem", folder / "key.pem", folder / "locked.pem")
    made.cert.write_bytes(signed.public_bytes(Encoding.PEM))
    written: dict[Path, BestAvailableEncryption | NoEncryption] = {
        made.key: NoEncryption(),
        made.locked_key: BestAvailableEncryption(b"passphrase"),
    }
    for path, lock in written.items():
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    return made


def encrypted(server: Server, identity: Identity, key: str) -> Answer:
    """The answer to a check over TLS of a client that trusts only *identity*."""
    context = ssl.create_default_context(cafile=str(identity.cert))
    line = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=context)
    with closing(line):
        line.request("POST", EVALUATION, as_json(ALLOWED), JSON | bearer(key))
        return answer_of(line.getresponse())


@pytest.fixture
def keyed(home: Home, start: "Start") -> str:
    """A PEP's key to `home`, made before the server that is under test runs."""
    server = start()
    key = server.pep("sales")
    assert server.stop() == 0
    assert home.verify().returncode == 0
    return key


def test_checks_go_over_tls(start: "Start", identity: Identity, keyed: str) -> None:
    """With a certificate the server speaks TLS that a client can verify, and says https."""
    server = start(**identity.variables())
    assert encrypted(server, identity, keyed).json() == {"decision": True}
    (said,) = [line for line in server.log_lines()[-1:] if line["event"] == "serving"]
    assert said["url"] == f"https://127.0.0.1:{server.port}"


def test_tls_is_not_optional(start: "Start", identity: Identity, keyed: str) -> None:
    """A server with a certificate answers no check that is sent without encryption."""
    server = start(**identity.variables())
    body = as_json(ALLOWED)
    head = f"POST {EVALUATION} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {keyed}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    server.leave(head.encode() + body)
    assert encrypted(server, identity, keyed).json() == {"decision": True}
    assert len(server.home.records("decision")) == 1


def test_old_tls_is_refused(start: "Start", identity: Identity) -> None:
    """A client that speaks nothing newer than TLS 1.1 gets no connection."""
    server = start(**identity.variables())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(identity.cert)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    line = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=context)
    with closing(line), pytest.raises((ssl.SSLError, ConnectionError)):
        line.connect()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "policyd.example"])  # noqa: S104
def test_no_bare_server_for_others(host: str) -> None:
    """A host that is not loopback is refused with exit 2 and the ways out, before anything else."""
    ended = run("serve", "--policies", POLICIES, "--data", "nowhere", "--host", host, "--json")
    assert ended.returncode == 2
    assert "exposed-without-tls" in ended.stdout + ended.stderr
    assert "--tls-cert and --tls-key" in ended.stdout + ended.stderr
    assert "--trusted-proxy" in ended.stdout + ended.stderr


@pytest.mark.parametrize("protection", ["tls", "proxy"])
def test_a_folder_stays_local(identity: Identity, protection: str) -> None:
    """Policies from a folder are served on loopback only, however well the way is protected."""
    options = identity.options() if protection == "tls" else ["--trusted-proxy", "192.0.2.1"]
    place = ["--policies", str(POLICIES), "--data", "nowhere", "--host", "192.0.2.7"]
    ended = run("serve", *place, *options, "--json")
    assert ended.returncode == 2
    assert "folder-mode-is-local" in ended.stdout + ended.stderr


Broken = Callable[[Identity, Path], list[str]]
BROKEN: dict[str, tuple[Broken, str]] = {
    "no key": (lambda made, _: ["--tls-cert", str(made.cert)], "tls-incomplete"),
    "no certificate": (lambda made, _: ["--tls-key", str(made.key)], "tls-incomplete"),
    "no such file": (
        lambda made, path: ["--tls-cert", str(path / "none.pem"), "--tls-key", str(made.key)],
        "tls-unusable",
    ),
    "the wrong way round": (
        lambda made, _: ["--tls-cert", str(made.key), "--tls-key", str(made.cert)],
        "tls-unusable",
    ),
    "a passphrase": (
        lambda made, _: ["--tls-cert", str(made.cert), "--tls-key", str(made.locked_key)],
        "tls-unusable",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_identity(identity: Identity, tmp_path: Path, what: str) -> None:
    """A certificate or key that cannot be used ends the start with exit 2, and asks nobody."""
    options, code = BROKEN[what]
    place = ["--policies", str(POLICIES), "--data", str(tmp_path / "none")]
    ended = run("serve", *place, *options(identity, tmp_path), "--json")
    said = ended.stdout + ended.stderr
    assert (ended.returncode, code in said) == (2, True), said
    assert "Traceback" not in said


FORWARDED = {"X-Forwarded-For": "198.51.100.9, 203.0.113.5", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("proxies", "address"),
    [
        ("", "127.0.0.1"),
        ("192.0.2.1", "127.0.0.1"),
        ("192.0.2.0/24, 127.0.0.1", "203.0.113.5"),
        ("127.0.0.0/8,203.0.113.5", "198.51.100.9"),
    ],
)
def test_only_a_named_proxy_is_believed(start: "Start", proxies: str, address: str) -> None:
    """The record has the address that a named proxy tells; nobody else can choose one."""
    server = start(POLICYD_TRUSTED_PROXY=proxies)
    key = server.pep("sales")
    assert server.check(ALLOWED, key, **FORWARDED).status == 200
    (record,) = server.home.records("decision")
    assert record["caller"]["address"] == address
