"""The mock hub's certificates: strict readers take them, and nothing else is signed by them."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from mockserver.certificates import HOSTS, Authority
from mockserver.x509 import VALID_S, Key, authority_certificate, server_certificate

DEADLINE_S = 20


@pytest.fixture(scope="module")
def authority_key() -> Key:
    return Key()


@pytest.fixture(scope="module")
def authority(authority_key: Key) -> x509.Certificate:
    return x509.load_der_x509_certificate(authority_certificate(authority_key, "an authority"))


def server(key: Key, hosts: tuple[str, ...], issuer: Key, issuer_name: str = "an authority") -> x509.Certificate:
    return x509.load_der_x509_certificate(server_certificate(key, hosts, issuer, issuer_name))


@pytest.mark.parametrize("host", HOSTS)
def test_a_strict_reader_trusts_the_servers_certificate_for_every_host(
    authority: x509.Certificate, authority_key: Key, host: str
) -> None:
    certificate = server(Key(), HOSTS, authority_key)
    subject = x509.DNSName(host) if host == "localhost" else x509.IPAddress(ip_address(host))
    verifier = PolicyBuilder().store(Store([authority])).build_server_verifier(subject)
    assert verifier.verify(certificate, []) == [certificate, authority]


def test_a_host_that_is_not_named_is_not_trusted(authority: x509.Certificate, authority_key: Key) -> None:
    certificate = server(Key(), HOSTS, authority_key)
    verifier = PolicyBuilder().store(Store([authority])).build_server_verifier(x509.DNSName("example.org"))
    with pytest.raises(VerificationError):
        verifier.verify(certificate, [])


def test_another_key_of_the_same_name_signs_for_nobody(authority: x509.Certificate) -> None:
    certificate = server(Key(), HOSTS, Key())
    with pytest.raises(InvalidSignature):
        certificate.verify_directly_issued_by(authority)
    verifier = PolicyBuilder().store(Store([authority])).build_server_verifier(x509.DNSName("localhost"))
    with pytest.raises(VerificationError):
        verifier.verify(certificate, [])


def test_the_authority_signs_servers_and_nothing_below_them(authority: x509.Certificate) -> None:
    constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = authority.extensions.get_extension_for_class(x509.KeyUsage)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature


def test_a_server_signs_nothing_and_serves_tls_alone(authority_key: Key) -> None:
    extensions = server(Key(), HOSTS, authority_key).extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert (constraints.critical, constraints.value.ca) == (True, False)
    assert (usage.critical, usage.value.digital_signature, usage.value.key_cert_sign) == (True, True, False)
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_it_is_valid_from_yesterday_for_a_year(authority: x509.Certificate) -> None:
    now = dt.datetime.now(dt.UTC)
    assert authority.not_valid_before_utc < now - dt.timedelta(hours=23)
    valid_for = authority.not_valid_after_utc - now
    assert abs(valid_for.total_seconds() - VALID_S) < 3600


def test_every_certificate_has_a_number_of_its_own(authority_key: Key) -> None:
    key = Key()
    numbers = {server(key, HOSTS, authority_key).serial_number for _ in range(50)}
    assert len(numbers) == 50
    assert min(numbers) > 0


def test_the_private_key_is_the_certificates(authority_key: Key) -> None:
    key = Key()
    loaded = load_der_private_key(key.der, None)
    public = server(key, HOSTS, authority_key).public_key()
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert loaded.public_key().public_bytes(*form) == public.public_bytes(*form) == key.public


def test_a_client_of_the_strictest_kind_shakes_hands_and_no_key_stays_on_the_disk() -> None:
    authority = Authority()
    context = authority.server_context()
    folder = Path(authority.ca_file).parent
    assert [path.name for path in folder.iterdir()] == ["ca.pem"]
    assert folder.stat().st_mode & 0o077 == 0
    trust = ssl.create_default_context(cafile=authority.ca_file)
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    theirs, ours = socket.socketpair()
    theirs.settimeout(DEADLINE_S)
    ours.settimeout(DEADLINE_S)

    def serve() -> None:
        with context.wrap_socket(theirs, server_side=True) as connection:
            connection.sendall(connection.recv(5))

    thread = threading.Thread(target=serve)
    thread.start()
    with trust.wrap_socket(ours, server_hostname="localhost") as connection:
        connection.sendall(b"hello")
        assert connection.recv(5) == b"hello"
    thread.join(DEADLINE_S)
    authority.close()
    assert not folder.exists()
