"""The way from here to one port of a hub, tried step by step: proxy, name, TCP, TLS, certificate.

Each step returns what it found in words, or raises an `Obstacle`; one that has no place on this way raises `Skipped`.
"""

from __future__ import annotations

import ssl
import time
from contextlib import closing
from importlib.util import find_spec
from typing import TYPE_CHECKING

from neuroengine.transport.certificate import Certificate, distrust, trusting_only
from neuroengine.transport.probe import Deadline, Obstacle, connect, handshake, resolve, tunnel
from neuroengine.transport.trust import ssl_context

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from neuroengine.transport.link import Address
    from neuroengine.transport.probe import SocketAddress
    from neuroengine.transport.proxies import Proxy


class Skipped(Exception):
    """Raised by a step that has no place on this way; the text says why."""


class Way:
    """The way to a port.

    Args:
        address: the port.
        trust: whom to trust; None for a port that is asked without TLS.
        proxy: the proxy in between; None for a direct way.
        limit_s: how many seconds name, TCP and TLS may take together, and the look at the certificate again.
        now: tells the time in seconds since 1970, to judge a certificate's dates.
    """

    def __init__(
        self,
        address: Address,
        *,
        trust: ssl.SSLContext | None,
        proxy: Proxy | None,
        limit_s: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.address = address
        self._trust = trust
        self._proxy = proxy
        self._limit_s = limit_s
        self._now = now
        self._deadline = Deadline(limit_s)
        self._addresses: Sequence[SocketAddress] = ()
        self._shown = b""

    def ask_proxy(self) -> str:
        """Whether a proxy is in force, and takes connections."""
        proxy = self._proxy
        if proxy is None:
            return "none in force"
        other_way = f"set {proxy.source} right or take it away, or name the host in NO_PROXY"
        if not proxy.scheme:
            raise Obstacle(f"{proxy.source} names {proxy.url}, which is no proxy that a client can use", other_way)
        if proxy.scheme.startswith("socks") and find_spec("socksio") is None:
            reason = f"{proxy.source} names a SOCKS proxy, and a package for it is missing"
            raise Obstacle(reason, f"run: pip install 'httpx[socks]'; or {other_way}")
        try:
            self._addresses = resolve(proxy.address, self._deadline)
            connect(self._addresses, proxy.address, self._deadline).close()
        except Obstacle as obstacle:
            raise Obstacle(f"{proxy.source} names {proxy.url}: {obstacle.reason}", other_way) from None
        return f"{proxy.url} ({proxy.source}) takes connections"

    def find_name(self) -> str:
        """What the host's name stands for."""
        if self._proxy is not None:
            raise Skipped("the proxy looks it up")
        self._addresses = resolve(self.address, self._deadline)
        numbers = list(dict.fromkeys(str(place[0]) for _, place in self._addresses))
        if numbers == [self.address.host]:
            return f"{self.address.host} needs no look-up"
        return f"{self.address.host} is {' and '.join(numbers)}"

    def reach(self) -> str:
        """Whether the port takes connections."""
        if self._proxy is not None:
            raise Skipped("the proxy connects")
        connect(self._addresses, self.address, self._deadline).close()
        return f"{self.address} takes connections"

    def speak_tls(self) -> str:
        """Whether the port speaks TLS, whoever it is."""
        self._check_tls_is_seen()
        with self._secured(ssl_context(verify=False), self._deadline) as secured:
            self._shown = secured.getpeercert(binary_form=True) or b""
            cipher = secured.cipher()
            return f"{secured.version()}, {cipher[0] if cipher else 'no cipher'}"

    def speaks_tls_after_all(self) -> bool:
        """Whether a port that was asked without TLS would speak it."""
        if self._trust is not None or self._proxy is not None:
            return False
        deadline = Deadline(self._limit_s)
        try:
            self._secured(ssl_context(verify=False), deadline).close()
        except Obstacle:
            return False
        return True

    def check_certificate(self) -> str:
        """Whether the certificate is trusted, and what is in it."""
        trust = self._check_tls_is_seen()
        if trust.verify_mode is ssl.CERT_NONE:
            raise Skipped("by --insecure nobody checks it")
        deadline = Deadline(self._limit_s)
        try:
            with self._secured(trust, deadline) as secured:
                return Certificate.of(secured.getpeercert() or {}).describe(self._now())
        except ssl.SSLCertVerificationError as error:
            raise Obstacle(*distrust(error, self._read(deadline), self.address.host, self._now())) from None

    def _check_tls_is_seen(self) -> ssl.SSLContext:
        """The trust of a way whose TLS can be looked at."""
        if self._trust is None:
            raise Skipped("the address begins with http://")
        if self._proxy is not None and self._proxy.scheme != "http":
            raise Skipped(f"it cannot be seen through a proxy of the kind {self._proxy.scheme}")
        return self._trust

    def _read(self, deadline: Deadline) -> Certificate | None:
        """The certificate that the port showed, however little it is trusted; None where it cannot be read."""
        try:
            with self._secured(trusting_only(self._shown), deadline) as secured:
                peer = secured.getpeercert()
        except (OSError, Obstacle):
            return None
        return Certificate.of(peer) if peer else None

    def _secured(self, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
        """A TLS connection to the port. Nothing may be sent on it.

        Raises:
            Obstacle: none came.
            ssl.SSLCertVerificationError: the certificate does not satisfy the context.
        """
        with closing(self._connected(deadline)) as connection:
            return handshake(connection, self.address, context, deadline)

    def _connected(self, deadline: Deadline) -> socket.socket:
        """A connection to the port, through the proxy if there is one."""
        if self._proxy is None:
            return connect(self._addresses, self.address, deadline)
        connection = connect(self._addresses, self._proxy.address, deadline)
        try:
            tunnel(connection, self._proxy, self.address, deadline)
        except Obstacle:
            connection.close()
            raise
        return connection
