"""An HTTP proxy on loopback: forwards plain requests, tunnels TLS, and notes what it was asked for."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

from patience import DEADLINE_S


class Proxy:
    """Works while it is entered."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept_all)]
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exc: object) -> None:
        for connection in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(DEADLINE_S)

    def _accept_all(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            self._start(self._serve, client)

    def _start(self, work: object, *args: socket.socket) -> None:
        thread = threading.Thread(target=work, args=args)  # type: ignore[arg-type]  # one of the methods below
        self._threads.append(thread)
        thread.start()

    def _serve(self, client: socket.socket) -> None:
        """Reads the head of one request, and then only moves bytes."""
        head = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in head:
                head += client.recv(65536)
            line, _, rest = head.partition(b"\r\n")
            self.asked.append(line.decode())
            method, target, version = line.decode().split()
            host, _, port = target.removeprefix("http://").partition("/")[0].rpartition(":")
            hub = socket.create_connection((host, int(port)), DEADLINE_S)
            self._open.append(hub)
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = target.removeprefix("http://").partition("/")[2]
                hub.sendall(f"{method} /{path} {version}\r\n".encode() + rest)
            self._start(_move, hub, client)
            _move(client, hub)


def _move(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
