"""A double of the providers that people run today, by what the protocol says of them and nothing else.

It reads crudely: 4,096 bytes at a time, until a read brings fewer; what it has then is one frame, parsed once. So it
hangs on a frame that ends with a full read, and loses both of two frames that come as one. It drops what is longer than
49,152 bytes, answers in two writes with Nagle's algorithm on, never answers a ping, and comes back when none has come
for too long.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BYTES = 4096
LONGEST_FRAME_BYTES = 49_152
DEADLINE_S = 20.0


class DeployedProvider:
    """A provider in a thread of its own, one request at a time.

    `answer` makes a reply out of a message. `patience_s` is how long it stays without a ping.
    """

    def __init__(
        self,
        address: str,
        ca_file: str,
        service: str,
        key: str,
        answer: Callable[[str], str],
        *,
        patience_s: float = 60.0,
    ) -> None:
        host, _, port = address.partition(":")
        self._address = host, int(port)
        self._trust = ssl.create_default_context(cafile=ca_file)
        self._login = json.dumps({"user": service, "key": key}).encode()
        self._answer = answer
        self._patience_s = patience_s
        self._connection: ssl.SSLSocket | None = None
        self._is_over = False
        self._thread = threading.Thread(target=self._listen)
        self.logins = 0
        """How often it logged in."""
        self.lost = 0
        """How many frames it could not read."""
        self.frames: list[int] = []
        """How long the requests were that it read, in bytes."""

    def __enter__(self) -> Self:
        self._connect()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._hang_up()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()

    # -- the connection

    def _connect(self) -> None:
        plain = socket.create_connection(self._address, DEADLINE_S)
        self._connection = self._trust.wrap_socket(plain, server_hostname=self._address[0])
        self._connection.sendall(self._login)
        said = self._connection.recv(READ_BYTES)
        if said.strip() != b"OK":
            raise ConnectionRefusedError(f"the hub said {said!r}")
        self.logins += 1

    def _hang_up(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
            self._connection.close()

    def _listen(self) -> None:
        while not self._is_over:
            with contextlib.suppress(OSError):
                self._serve()
            self._hang_up()
            if not self._is_over:
                with contextlib.suppress(OSError):
                    self._connect()

    def _serve(self) -> None:
        assert self._connection is not None
        last_ping = monotonic()
        while True:
            self._connection.settimeout(max(0.001, last_ping + self._patience_s - monotonic()))
            data = self._read()
            try:
                request: dict[str, Any] = json.loads(data)
            except ValueError:
                self.lost += 1
                continue
            if "ping" in request:
                last_ping = monotonic()
                continue
            self.frames.append(len(data))
            payload = json.dumps({"reply": self._answer(request["message"])}).encode()
            self._connection.settimeout(DEADLINE_S)
            self._connection.sendall(b"%08X" % len(payload))
            self._connection.sendall(payload)

    def _read(self) -> bytes:
        assert self._connection is not None
        data = b""
        while True:
            piece = self._connection.recv(READ_BYTES)
            if not piece:
                raise ConnectionAbortedError
            data += piece
            if len(data) > LONGEST_FRAME_BYTES:
                raise ConnectionAbortedError
            if len(piece) < READ_BYTES:
                return data
