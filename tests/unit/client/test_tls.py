"""TLS: the client talks to nobody whose certificate it cannot check."""

import ipaddress
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from policyd.client import Denied, Policyd
from tests.unit.client.stub import allowing, running

CALL: Any = {"subject": "sales/sync", "action": "send", "data": "erp/customers"}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that no authority has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "policyd")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + made.public_bytes(Encoding.PEM))
    return path


def test_a_server_that_is_not_trusted_is_told_nothing(certificate: Path) -> None:
    """A bad certificate is a denial, also for who would run without a server."""
    with running(allowing(), certificate=certificate) as stub:
        asking = Policyd(stub.url, "pd_key", timeout=10.0, on_unavailable="allow")
        with pytest.raises(Denied) as caught, asking.allow(**CALL):
            pytest.fail("a denied block ran")
        assert stub.seen == []
    assert caught.value.code == "server-not-trusted"


def test_a_server_that_is_trusted_answers(certificate: Path) -> None:
    """With the authority it was given the client asks."""
    tls = ssl.create_default_context(cafile=str(certificate))
    with running(allowing(), certificate=certificate) as stub:
        with Policyd(stub.url, "pd_key", timeout=10.0, tls=tls).allow(**CALL) as grant:
            assert grant.decision_id == "d1"
        assert len(stub.seen) == 2
