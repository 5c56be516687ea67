"""Looks at the way to a host one step at a time: name, TCP, a proxy's tunnel, TLS, certificate.

Laws:

- Nothing is sent but what opens a connection: no request, no login, no key.
- Every look ends by a deadline that is handed in.
- What stands in the way is an `Obstacle`: it says what is wrong, and what can be done about it.
"""

from __future__ import annotations

import errno
import queue
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neuroengine.transport.link import Address
    from neuroengine.transport.proxies import Proxy

_HEAD_BYTES: Final = 65536
"""The most that is read of a proxy's answer."""

SocketAddress: TypeAlias = tuple[socket.AddressFamily, Any]


class Obstacle(Exception):
    """Raised when a step on the way cannot be made.

    Attributes:
        reason: what is wrong.
        fix: what can be done about it.
    """

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


class Deadline:
    """So many seconds from now on."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends_at = time.monotonic() + seconds

    def left_s(self) -> float:
        """How many seconds are left, a little above 0 at the least: no socket takes 0 for a time limit."""
        return max(self._ends_at - time.monotonic(), 0.001)


def resolve(address: Address, deadline: Deadline) -> Sequence[SocketAddress]:
    """The addresses of a host's name.

    The system's resolver cannot be stopped, so it is asked in a thread that is left alone when the time is over.

    Raises:
        Obstacle: there are none, or the resolver takes too long.
    """
    found: queue.SimpleQueue[Sequence[SocketAddress] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            found.put([(row[0], row[4]) for row in rows])
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    network = "check this machine's network and its name server"
    try:
        outcome = found.get(timeout=deadline.left_s())
    except queue.Empty:
        raise Obstacle(f"no name server answered within {deadline.seconds:g} s", network) from None
    if isinstance(outcome, UnicodeError):
        raise Obstacle(f"{address.host!r} cannot be the name of a host", "check the spelling of the address")
    if isinstance(outcome, OSError):
        if outcome.errno == socket.EAI_AGAIN:
            raise Obstacle(f"names cannot be looked up right now ({outcome.strerror})", network)
        reason = f"the name {address.host!r} is not known ({outcome.strerror})"
        raise Obstacle(reason, f"check the spelling of the address; if it is right, {network}")
    return outcome


def connect(addresses: Sequence[SocketAddress], address: Address, deadline: Deadline) -> socket.socket:
    """A TCP connection to the first of the addresses that takes one.

    Raises:
        Obstacle: none does; it tells of the last one.
    """
    failure = OSError(errno.EADDRNOTAVAIL, "it has no address")
    for number, (family, place) in enumerate(addresses):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(deadline.left_s() / (len(addresses) - number))
            connection.connect(place)
        except OSError as error:
            connection.close()
            failure = error
        else:
            connection.settimeout(deadline.left_s())
            return connection
    raise _unreachable(failure, address, deadline)


def _unreachable(failure: OSError, address: Address, deadline: Deadline) -> Obstacle:
    """What it means that no connection came."""
    if isinstance(failure, TimeoutError):
        return Obstacle(
            f"{address} does not take a connection within {deadline.seconds:g} s",
            "the host is down, or a firewall swallows what is sent to it: try another network, ask the hub's operator",
        )
    if isinstance(failure, ConnectionRefusedError):
        return Obstacle(f"{address} refuses the connection", "check the port, and that the program behind it runs")
    reason = failure.strerror or str(failure)
    return Obstacle(f"{address} cannot be reached ({reason})", "check this machine's network, its VPN and its firewall")


def tunnel(connection: socket.socket, proxy: Proxy, address: Address, deadline: Deadline) -> None:
    """Asks an HTTP proxy to let the connection through to an address.

    Raises:
        Obstacle: it does not.
    """
    login = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    bypass = f"set {proxy.source} right, or name the host in NO_PROXY"
    head = b""
    try:
        connection.sendall(f"CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n{login}\r\n".encode())
        while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES:
            connection.settimeout(deadline.left_s())
            part = connection.recv(1)  # what comes behind the head is not the proxy's any more
            if not part:
                break
            head += part
    except OSError as error:
        reason = f"the proxy {proxy.url} does not answer ({error.strerror or error})"
        raise Obstacle(reason, bypass) from None
    line = head.partition(b"\r\n")[0].decode("latin-1")
    words = line.split(" ", 2)
    if not words[0].startswith("HTTP/"):
        raise Obstacle(f"{proxy.url} is no HTTP proxy: it says {line[:80]!r}", bypass)
    if words[1:2] == ["407"]:
        fix = f"put them into {proxy.source}: http://USER:PASSWORD@{proxy.address}"
        raise Obstacle(f"the proxy {proxy.url} wants a user name and a password, or others", fix)
    if not words[1:2] or not words[1].startswith("2"):
        raise Obstacle(f"the proxy {proxy.url} lets nobody through to {address}: {' '.join(words[1:])}", bypass)


def handshake(
    connection: socket.socket, address: Address, context: ssl.SSLContext, deadline: Deadline
) -> ssl.SSLSocket:
    """Agrees on TLS.

    Raises:
        Obstacle: the port speaks no TLS, or none that this side takes.
        ssl.SSLCertVerificationError: the certificate does not satisfy the context.
    """
    connection.settimeout(deadline.left_s())
    try:
        return context.wrap_socket(connection, server_hostname=address.host)
    except ssl.SSLCertVerificationError:
        raise
    except TimeoutError:
        raise Obstacle(
            f"{address} takes the connection and then says nothing within {deadline.seconds:g} s",
            "check the port: the program behind it waits for something else than TLS, or hangs",
        ) from None
    except OSError as error:
        raise _no_tls(error, address) from None


def _no_tls(error: OSError, address: Address) -> Obstacle:
    """What it means that no TLS came."""
    if isinstance(error, ssl.SSLError) and error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return Obstacle(
            f"{address} answers without TLS", "check the port; a plain HTTP port is asked with http://, not https://"
        )
    reason = (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or str(error) or "it closed"
    return Obstacle(
        f"{address} agrees on no TLS ({reason.replace('_', ' ').lower()})",
        "check the port; if it is right, the program behind it offers no TLS of version 1.2 or newer",
    )
