"""A TLS connection that is read record by record: what a hub writes at once is what a deployed provider reads at once.

Python's own TLS sockets hide where a record ends. Here each record is cut from the byte stream and decrypted alone.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Final

HEAD_BYTES: Final = 5
"""The head of a record: its type, a version, and its size in two bytes."""
READ_BYTES: Final = 65_536
LEAST_S: Final = 0.001
"""A timeout of 0 would not wait at all, and fail in another way than by a timeout."""


class Records:
    """An open connection, its handshake done and its certificate verified.

    Args:
        address: host and port. context: how the certificate is verified. seconds: the most time for connecting, and
        for one write.
        is_hasty: send each write at once; False waits for the acknowledgement of the one before, as most programs do.

    Raises:
        OSError: there is no connection, or no TLS (ssl.SSLError), or none in time (TimeoutError).
    """

    def __init__(
        self, address: tuple[str, int], context: ssl.SSLContext, seconds: float, *, is_hasty: bool = True
    ) -> None:
        self._received = b""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=address[0])
        self._lock = threading.Lock()
        self.was_notified = False
        deadline = time.monotonic() + seconds
        self._socket = socket.create_connection(address, seconds)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, is_hasty)
            self._shake_hands(deadline)
            self._socket.settimeout(seconds)
        except OSError:
            self._socket.close()
            raise

    def write(self, data: bytes) -> None:
        """Sends bytes in one write, as records of at most 16 KiB.

        Raises:
            OSError: the connection is gone, or the hub takes no more bytes (TimeoutError).
        """
        with self._lock:
            while data:
                data = data[self._tls.write(data) :]
            self._socket.sendall(self._outgoing.read())

    def read(self) -> bytes:
        """Waits for the next record of data and returns what it held; b"" once the connection has ended."""
        while record := self._awaited_record():
            with self._lock:
                self._incoming.write(record)
                try:
                    data = self._tls.read(READ_BYTES)
                except ssl.SSLWantReadError:  # a record of TLS's own, such as a session ticket
                    continue
                except ssl.SSLError as error:
                    self.was_notified = isinstance(error, ssl.SSLZeroReturnError)
                    return b""
            if not data:
                self.was_notified = True
                return b""
            return data
        return b""

    def close(self) -> None:
        """Ends the connection properly, with TLS's close-notify."""
        with suppress(OSError), self._lock:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self._socket.sendall(self._outgoing.read())
        self.abort()

    def abort(self) -> None:
        """Ends the connection as TCP alone does it, without close-notify."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @property
    def certificate(self) -> dict[str, object]:
        """What the hub's certificate says, as the ssl module gives it; empty where none was verified."""
        return dict(self._tls.getpeercert() or {})

    def _shake_hands(self, deadline: float) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._socket.sendall(self._outgoing.read())
                record = self._next_record(deadline)
                if not record:
                    raise ConnectionError("the connection ended during the TLS handshake") from None
                self._incoming.write(record)
            except ssl.SSLError:
                with suppress(OSError):
                    self._socket.sendall(self._outgoing.read())  # the alert that says what is wrong
                raise
            else:
                self._socket.sendall(self._outgoing.read())
                return

    def _awaited_record(self) -> bytes:
        """The next record, however long it takes: whoever waits is woken by `abort`."""
        while True:
            with suppress(TimeoutError):
                return self._next_record()

    def _next_record(self, deadline: float | None = None) -> bytes:
        """One record, its head included; b"" at the end of the connection.

        Raises:
            TimeoutError: it was not there by the deadline, or no byte of it came in time.
        """
        while True:
            size = HEAD_BYTES + int.from_bytes(self._received[3:HEAD_BYTES])
            if len(self._received) >= max(size, HEAD_BYTES):
                record, self._received = self._received[:size], self._received[size:]
                return record
            if deadline is not None:
                self._socket.settimeout(max(deadline - time.monotonic(), LEAST_S))
            try:
                data = self._socket.recv(READ_BYTES)
            except TimeoutError:
                raise
            except OSError:
                return b""
            if not data:
                return b""
            self._received += data
