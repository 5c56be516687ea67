"""How a provider's connection fails before it stands, and where it goes."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading

import pytest
from patience import DEADLINE_S

from neuroengine.errors import ConfigurationError, ConnectionFailed, NeuroengineError, TimedOut, TLSFailed
from neuroengine.protocol.link import ProviderLink
from neuroengine.transport import link as link_module
from neuroengine.transport.link import Address, LinkConnection, provider_address
from neuroengine.transport.trust import ssl_context


def failure(address: Address) -> NeuroengineError:
    """What opening a connection to this address raises."""

    async def opened() -> None:
        await LinkConnection.open(address, ssl_context(), ProviderLink("MYGPT", "DEMOKEY"))

    with pytest.raises(NeuroengineError) as raised:
        asyncio.run(opened())
    return raised.value


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:4444", Address("localhost", 4444)),
        (" 127.0.0.1:1\n", Address("127.0.0.1", 1)),
        ("[::1]:65535", Address("::1", 65535)),
    ],
)
def test_an_address_is_read_and_written(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(address) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "localhost",
        "localhost:",
        ":4444",
        "[]:1",
        "::1:1",
        "a:0",
        "a:-1",
        "a:65536",
        "a:1e3",
        "a:" + "9" * 9999,
    ],
)
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match="HOST:PORT"):
        Address.parse(text)


def test_the_argument_wins_over_the_environment_and_that_over_the_published_hub(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NEUROENGINE_PROVIDER", raising=False)
    assert provider_address() == Address("api.neuroengine.ai", 4444)
    monkeypatch.setenv("NEUROENGINE_PROVIDER", "localhost:5555")
    assert provider_address() == Address("localhost", 5555)
    assert provider_address("[::1]:6666") == Address("::1", 6666)
    monkeypatch.setenv("NEUROENGINE_PROVIDER", "")
    assert provider_address() == Address("api.neuroengine.ai", 4444)


def test_a_closed_port_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = failure(Address("127.0.0.1", port))
    assert type(error) is ConnectionFailed
    assert error.retryable
    assert not error.request_sent
    assert f"127.0.0.1:{port}" in str(error)


def test_a_port_without_tls_is_a_tls_failure_that_no_retry_mends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def greet() -> None:
            connection, _ = plain.accept()
            with connection:
                connection.recv(1)
                connection.sendall(b"220 ready\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        error = failure(Address("127.0.0.1", plain.getsockname()[1]))
        thread.join(DEADLINE_S)
    assert type(error) is TLSFailed
    assert not error.retryable


def test_a_port_that_says_nothing_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "CONNECT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = failure(Address("127.0.0.1", silent.getsockname()[1]))
    assert isinstance(error, TimedOut | ConnectionFailed)
    assert error.retryable


def test_a_host_that_can_be_no_name_is_a_wrong_setting() -> None:
    assert isinstance(failure(Address("a" * 64 + ".example", 1)), ConfigurationError)


@pytest.mark.parametrize(
    ("system", "ours"),
    [
        (TimeoutError(), TimedOut),
        (ConnectionRefusedError(111, "refused"), ConnectionFailed),
        (ConnectionResetError(), ConnectionFailed),
        (socket.gaierror(-2, "Name or service not known"), ConnectionFailed),
        (ssl.SSLError(1, "wrong version number"), TLSFailed),
        (ssl.SSLCertVerificationError(1, "self-signed"), TLSFailed),
        (UnicodeError("label too long"), ConfigurationError),
        (OSError(), ConnectionFailed),
    ],
)
def test_every_error_of_the_system_has_one_of_ours(
    system: OSError | UnicodeError, ours: type[NeuroengineError]
) -> None:
    error = link_module._not_connected(system, Address("localhost", 4444))
    assert type(error) is ours
    assert "localhost" in str(error)
