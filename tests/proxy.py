"""An HTTP proxy on loopback: forwards plain requests, tunnels TLS, and notes what it was asked for."""

from __future__ import annotations

import contextlib
import socket

from patience import DEADLINE_S
from wrong_hosts import Port


class Proxy(Port):
    """Works while it is entered."""

    def __init__(self) -> None:
        super().__init__(self._forward)
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.number}"

    def _forward(self, client: socket.socket) -> None:
        """Reads the head of one request, and then only moves bytes."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(65536)
            if not piece:
                return
            head += piece
        line, _, rest = head.partition(b"\r\n")
        self.asked.append(line.decode())
        method, target, version = line.decode().split()
        host, _, port = target.removeprefix("http://").partition("/")[0].rpartition(":")
        with socket.create_connection((host, int(port)), DEADLINE_S) as hub:
            self.taken.append(hub)
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = target.removeprefix("http://").partition("/")[2]
                hub.sendall(f"{method} /{path} {version}\r\n".encode() + rest)
            back = self.start(_move, hub, client)
            _move(client, hub)
            back.join()


def _move(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
