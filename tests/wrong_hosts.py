"""Ports on loopback that are no hub, each in its own way."""

from __future__ import annotations

import contextlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, Self

from patience import DEADLINE_S

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def port_of_a_dead_host() -> Iterator[int]:
    """A port that takes no connection and refuses none, as a host that is down: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


class Port:
    """Serves each connection in a thread, by a function, while it is entered."""

    def __init__(self, serve: Callable[[socket.socket], object]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.number: int = self._listener.getsockname()[1]
        self.url = f"https://localhost:{self.number}"
        self.taken: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept_all)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exc: object) -> None:
        for connection in (self._listener, *self.taken):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(DEADLINE_S)

    def start(self, work: Callable[..., object], *connections: socket.socket) -> threading.Thread:
        """A thread that works on these connections."""
        thread = threading.Thread(target=work, args=connections)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept_all(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(DEADLINE_S)
            self.taken.append(connection)
            self.start(self._serve_one, connection)

    def _serve_one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self._serve(connection)


def silent_port() -> Port:
    """Takes connections and says nothing."""
    return Port(_read_all)


def speaking_port(words: bytes) -> Port:
    """Says these words to whatever it is asked."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        _read_all(connection)  # what is left unread breaks a connection, and its words get lost

    return Port(serve)


class TlsPort(Port):
    """Speaks TLS and notes what it is told behind the handshake."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(self._listen)
        self._context = context
        self.told: list[bytes] = []

    def _listen(self, connection: socket.socket) -> None:
        with self._context.wrap_socket(connection, server_side=True) as secured:
            self.told.append(_read_all(secured))


def _read_all(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    data = b""
    while part := connection.recv(65536):
        data += part
    return data


@contextlib.contextmanager
def web_server(
    body: bytes, *, status: int = 200, kind: str = "application/json", asked: list[bytes] | None = None
) -> Iterator[str]:
    """Gives the same answer to every POST, and notes what it was asked; its URL."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["content-length"]))
            if asked is not None:
                asked.append(request)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(DEADLINE_S)
