"""A provider made by hand that sees TLS records: a deployed provider reads one record at a time."""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
from functools import cache
from typing import Any, Self

from patience import DEADLINE_S

_HEADER_BYTES = 5


@cache
def _context(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


class RecordProvider:
    """A provider's connection over a blocking socket. Each `send` is one TLS record; `record` reads exactly one."""

    def __init__(self, address: str, ca_file: str, deadline_s: float = DEADLINE_S) -> None:
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), deadline_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = _context(ca_file).wrap_bio(self._in, self._out, server_hostname=host)
        try:
            self._shake_hands()
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()

    # -- bytes

    def send(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self._tls.write(chunk)
            self._flush()

    def send_part(self, data: bytes, share: float) -> None:
        """Sends a part of the record that holds `data`, counted in encrypted bytes, and never the rest of it."""
        self._tls.write(data)
        record = self._out.read()
        self._socket.sendall(record[: int(share * len(record))])

    def record(self) -> bytes:
        """What the next record with data holds; `b""` when the hub has closed, with close-notify or without."""
        while True:
            if not self._feed():
                return b""
            try:
                return self._tls.read(1 << 16)
            except ssl.SSLWantReadError:
                continue  # a session ticket
            except ssl.SSLZeroReturnError:
                return b""

    def is_quiet(self) -> bool:
        """Whether the hub has sent nothing that was not read."""
        return not select.select([self._socket], [], [], 0)[0]

    def close(self, *, reset: bool = False) -> None:
        """Closes TCP without TLS close-notify; `reset` throws the connection away instead of ending it."""
        if reset:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    # -- the link

    def login(self, service: str, key: str, **more: Any) -> Self:
        self.send(json.dumps({"user": service, "key": key, **more}).encode())
        assert self.record() == b"OK"
        return self

    def frame(self) -> dict[str, Any]:
        """The next frame, from as many records as it takes."""
        data = b""
        while piece := self.record():
            data += piece
            try:
                frame: dict[str, Any] = json.loads(data)
            except ValueError:
                continue
            return frame
        raise AssertionError(f"the hub closed the link behind {data!r}")

    def answer(self, reply: str) -> None:
        """Answers in two writes, length and payload, as deployed providers do."""
        payload = json.dumps({"reply": reply}).encode()
        self.send(b"%08X" % len(payload), payload)

    # -- TLS

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                if not self._feed():
                    raise ConnectionAbortedError("the hub closed the connection during the handshake") from None
            else:
                self._flush()
                return

    def _flush(self) -> None:
        self._socket.sendall(self._out.read())

    def _feed(self) -> bool:
        """Hands TLS exactly one record."""
        header = self._read(_HEADER_BYTES)
        if not header:
            return False
        body = self._read(int.from_bytes(header[3:5]))
        self._in.write(header + body)
        return bool(body)

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                piece = self._socket.recv(size - len(data))
            except ConnectionResetError:
                return b""
            if not piece:
                return b""
            data += piece
        return data
