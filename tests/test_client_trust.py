"""Whom a client trusts: named authorities, the environment's, the system's, and never anybody by accident."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import certifi
import pytest
import trustme
from patience import DEADLINE_S

from neuroengine import Client
from neuroengine.errors import ConfigurationError, TLSFailed
from neuroengine.transport.trust import ssl_context

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return str(path)


def trusted(context: ssl.SSLContext) -> int:
    return context.cert_store_stats()["x509_ca"]


@pytest.fixture
def old_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system whose own settings would still allow the oldest TLS."""
    made = ssl.create_default_context

    def lax(**settings: Any) -> ssl.SSLContext:
        context = made(**settings)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        return context

    monkeypatch.setattr(ssl, "create_default_context", lax)


@pytest.mark.usefixtures("old_system")
def test_verification_is_on_and_tls_is_modern_by_default() -> None:
    context = ssl_context()
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.usefixtures("old_system")
def test_verification_off_is_still_modern_tls() -> None:
    context = ssl_context(verify=False)
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert trusted(context) == 0  # nobody is asked, so no authorities are read: it takes a while


def test_a_named_file_is_the_only_one_trusted(authority: str) -> None:
    assert trusted(ssl_context(ca_file=authority)) == 1


def test_the_standard_variable_is_honoured(authority: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority)
    assert trusted(ssl_context()) == 1


def test_an_argument_beats_the_variable(authority: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    assert trusted(ssl_context(ca_file=authority)) == 1


def test_a_folder_of_certificates_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert trusted(ssl_context()) == 0  # it is looked into when a certificate is checked; nothing else is trusted


def test_a_system_without_authorities_gets_those_of_certifi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
    expected = ssl.create_default_context(cafile=certifi.where())
    assert trusted(ssl_context()) == trusted(expected) > 50


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\xff\x00"], ids=repr)
@pytest.mark.parametrize("named_by", ["argument", "SSL_CERT_FILE"])
def test_a_file_that_cannot_be_used_is_an_error_that_names_it(
    content: bytes | None, named_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(ConfigurationError, match=r"ca\.pem"):
        ssl_context(ca_file=str(path) if named_by == "argument" else None)


def test_a_folder_is_no_certificate_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=str(tmp_path)):
        ssl_context(ca_file=str(tmp_path))


def test_a_wrong_file_is_reported_before_anything_is_sent_also_over_plain_http() -> None:
    for url in ("https://localhost:1", "http://localhost:1"):
        with pytest.raises(ConfigurationError, match="nonexistent"):
            Client("S", url=url, ca_file="/nonexistent")


def test_a_hub_of_another_name_sees_no_request(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("elsewhere.test").configure_cert(context)
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            connection.settimeout(DEADLINE_S)
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    seen.append(secured.recv(1))
            except OSError:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"https://localhost:{listener.getsockname()[1]}"
        with Client("S", url=url, ca_file=str(tmp_path / "ca.pem")) as client, pytest.raises(TLSFailed):
            client.generate("x")
        thread.join(DEADLINE_S)
    assert seen in ([], [b""])
