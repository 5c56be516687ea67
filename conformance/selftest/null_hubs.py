"""Hubs that are none: they take connections and serve nobody."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from conformance.selftest.hubs import KnownHub
from neuroengine import spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRICKLE_S: Final = 0.05


def answering(body: bytes, *, status: str = "200 OK", content_type: str = "application/json") -> bytes:
    """The one HTTP answer of a hub that always says the same."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def saying(answer: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Reads a request and says always the same."""

    def serve(connection: socket.socket, over: threading.Event) -> None:  # noqa: ARG001 - the form of all of them
        read_request(connection)
        connection.sendall(answer)

    return serve


def read_request(connection: socket.socket) -> bytes:
    """Reads a whole request, so that the close is none in the middle of it, and returns its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    left = int(lengths[0]) - len(body) if lengths else 0
    while left > 0 and (more := connection.recv(65536)):
        body += more
        left -= len(more)
    return body


def reset(connection: socket.socket, over: threading.Event) -> None:  # noqa: ARG001 - the form of all of them
    """Breaks every connection by a reset."""
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection: socket.socket, over: threading.Event) -> None:
    """Ends every connection as soon as it is there."""


def echo(connection: socket.socket, over: threading.Event) -> None:  # noqa: ARG001 - the form of all of them
    """Answers with the request."""
    connection.sendall(answering(read_request(connection)))


def hang(connection: socket.socket, over: threading.Event) -> None:
    """Reads, and never says a word."""
    connection.recv(65536)
    over.wait()


def trickle(connection: socket.socket, over: threading.Event) -> None:
    """Sends a byte of a head now and then, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(TRICKLE_S):
        connection.sendall(b"x")


def trickle_body(connection: socket.socket, over: threading.Event) -> None:
    """Sends a blank of a body now and then, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not over.wait(TRICKLE_S):
        connection.sendall(b"1\r\n \r\n")


def said(content: object) -> Callable[[socket.socket, threading.Event], None]:
    """Always this JSON value."""
    return saying(answering(json.dumps(content).encode()))


NULL_HUBS: Final[dict[str, Callable[[socket.socket, threading.Event], None]]] = {
    "empty-object": said({}),
    "empty-array": said([]),
    "error": said({"reply": "No.", "errorcode": 1}),
    "error-without-sentence": said({"reply": "", "errorcode": 1}),
    "empty-reply": said({"reply": "", "errorcode": 0}),
    "null": said(None),
    "nothing": saying(answering(b"")),
    "html": saying(answering(b"<!doctype html><title>Welcome</title>", content_type="text/html")),
    "not-found": saying(answering(b"<h1>404</h1>", status="404 Not Found", content_type="text/html")),
    "redirect": saying(answering(b"", status="307 Temporary Redirect\r\nLocation: /elsewhere")),
    "server-error": saying(answering(b"{}", status="500 Internal Server Error")),
    "no-http": saying(b"220 mail.example ESMTP\r\n"),
    "echo": echo,
    "reset": reset,
    "hang-up": hang_up,
    "hang": hang,
    "trickle": trickle,
    "trickle-body": trickle_body,
}


class NullHub(NamedTuple):
    """A running null hub: its base URL, and whether anybody has connected."""

    url: str
    asked: threading.Event


@contextmanager
def null_hub(name: str) -> Iterator[NullHub]:
    """Runs a null hub."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    over, asked = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            asked.set()
            NULL_HUBS[name](connection, over)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)  # a Ctrl-C may come before its end is seen to
    acceptor.start()
    try:
        yield NullHub(f"http://127.0.0.1:{listener.getsockname()[1]}", asked)
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()
        for thread in threads:
            thread.join()


def null_hubs() -> Iterator[KnownHub]:
    """The null hubs as hubs to be judged, by somebody with little patience."""
    for name in NULL_HUBS:
        yield KnownHub(name, "null", partial(_told, name))


@contextmanager
def _told(name: str) -> Iterator[dict[str, Any]]:
    own = {row["name"]: float(row["value"]) for row in spec.limits() if row["scope"] == "hub"}
    with null_hub(name) as hub:
        yield {"url": hub.url, "service": "Nobody", "timeout": 0.3, "limits": own}
