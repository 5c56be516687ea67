"""One HTTP/1.1 connection to the hub, on a plain socket: it sends what it is told, and reads under a deadline.

The deadline is that of the whole exchange, from the first byte sent to the last byte read, so that a hub which sends a
byte now and then is no different from one that hangs. The answer is read by the standard library.
"""

from __future__ import annotations

import io
import select
import socket
import time
from contextlib import suppress
from http.client import HTTPResponse, IncompleteRead
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import ssl

    from conformance.exchange import Request

ANSWER_BYTES: Final = 8 * 1024 * 1024
"""The most bytes of an answer that are read: twice the largest payload of a provider."""

HEAD_BYTES: Final = 65_536
"""The most bytes in which the end of an answer's head is looked for."""


class Address(NamedTuple):
    """Where the hub is, and how certificates are verified; without `tls` plain HTTP is spoken."""

    host: str
    port: int
    authority: str
    tls: ssl.SSLContext | None


class Received(NamedTuple):
    """An answer as it came; `arrivals` are the moments at which bytes of its body came, in s since the request."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    arrivals: tuple[float, ...] = ()


class Connection:
    """An open connection.

    Raises:
        OSError: the hub cannot be reached by `deadline`, a moment of `time.monotonic`.
    """

    def __init__(self, address: Address, deadline: float) -> None:
        self._address = address
        self._socket = socket.create_connection((address.host, address.port), _left(deadline))
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.tls is not None:
                self._socket = address.tls.wrap_socket(self._socket, server_hostname=address.host)
        except OSError:
            self._socket.close()
            raise
        self.is_fresh = True
        self.is_over = False

    @property
    def looks_closed(self) -> bool:
        """Whether the hub has said something unasked, which between exchanges is its close."""
        return self.is_over or bool(select.select([self._socket], [], [], 0)[0])

    def post(self, request: Request, deadline: float) -> Received:
        """Sends a request and reads its answer.

        Raises:
            OSError: the connection broke, or the deadline passed (TimeoutError). HTTPException: it was no HTTP.
        """
        self.is_fresh = False
        self.is_over = True
        self._socket.settimeout(_left(deadline))
        self._socket.sendall(_head(request, self._address.authority) + request.body)
        readable = _Readable(self._socket, deadline)
        with HTTPResponse(readable, method="POST") as response:  # type: ignore[arg-type] # all that it needs of a socket
            response.begin()
            body = response.read(ANSWER_BYTES)
            if response.length and len(body) < ANSWER_BYTES:
                raise IncompleteRead(body, response.length)
            self.is_over = response.will_close or not response.isclosed()
            return Received(response.status, tuple(response.getheaders()), body, readable.arrivals)

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()

    def cut(self) -> None:
        """Ends the connection both ways, so that whoever reads from it reads the end."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class _Readable:
    """A socket to be read until a deadline, as far as `HTTPResponse` needs one."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._raw = _Raw(connection, deadline)

    @property
    def arrivals(self) -> tuple[float, ...]:
        """When bytes of the answer's body came."""
        return tuple(self._raw.arrivals)

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - always "rb"
        return io.BufferedReader(self._raw)


class _Raw(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._began = time.monotonic()
        self._head: bytes | None = b""
        self.arrivals: list[float] = []

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # typeshed's name for both is private
        self._connection.settimeout(_left(self._deadline))
        size = self._connection.recv_into(buffer)
        self._note(bytes(memoryview(buffer)[: min(size, HEAD_BYTES)]))
        return size

    def _note(self, data: bytes) -> None:
        """Remembers when data came that is not of the head alone."""
        if self._head is not None and data:
            self._head += data
            _, end, body = self._head.partition(b"\r\n\r\n")
            if not end and len(self._head) < HEAD_BYTES:
                return
            self._head, data = None, body
        if data:
            self.arrivals.append(time.monotonic() - self._began)


def _head(request: Request, authority: str) -> bytes:
    lines = [f"POST {request.path} HTTP/1.1", f"Host: {authority}", f"Content-Length: {len(request.body)}"]
    lines += ["Accept: */*", "Accept-Encoding: identity", "User-Agent: neuroengine-conformance"]
    if request.content_type is not None:
        lines.append(f"Content-Type: {request.content_type}")
    if request.access_key:
        lines.append(f"Authorization: Bearer {request.access_key}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _left(deadline: float) -> float:
    """The seconds until a deadline.

    Raises:
        TimeoutError: there are none.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the deadline has passed")
    return seconds
