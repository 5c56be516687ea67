"""Programs that talk to a mock hub without this project's code: an HTTP client, bare TCP, a provider by hand."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Self

from patience import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver import MockHub

Json = dict[str, Any]

SERVICE = "Neuroengine-Large"
PATH = f"/{SERVICE}/"
SERVICE_KEY = "SERVICE-KEY"


@contextmanager
def client(hub: MockHub) -> Iterator[http.client.HTTPConnection]:
    scheme, _, address = hub.url.partition("://")
    if scheme == "https":
        trust = ssl.create_default_context(cafile=hub.ca_file)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(address, timeout=DEADLINE_S, context=trust)
    else:
        connection = http.client.HTTPConnection(address, timeout=DEADLINE_S)
    with closing(connection):
        yield connection


def post(connection: http.client.HTTPConnection, request: Json, path: str = PATH) -> Any:
    connection.request("POST", path, json.dumps(request))
    response = connection.getresponse()
    assert response.status == 200
    return json.loads(response.read())


def settled_models(connection: http.client.HTTPConnection) -> Any:
    """The model list, once the hub has seen what other connections did before: it has answered a few requests since."""
    for _ in range(10):
        models = post(connection, {"command": "getmodels"})
    return models


class Raw:
    """A bare TCP connection to a hub's plain port."""

    def __init__(self, hub: MockHub) -> None:
        self.socket = socket.create_connection(address_of(hub), timeout=DEADLINE_S)
        self._reader = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self.socket.close()

    def send(self, *pieces: bytes) -> None:
        """Sends each piece in a TCP segment of its own."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            self.socket.sendall(piece)

    def answer(self) -> tuple[int, Any]:
        """The status and the JSON of the next answer."""
        status = int(self._reader.readline().split()[1])
        headers = dict(line.lower().rstrip(b"\r\n").split(b": ", 1) for line in iter(self._reader.readline, b"\r\n"))
        return status, json.loads(self._reader.read(int(headers[b"content-length"])))

    def is_closed(self) -> bool:
        """Whether the hub closes the connection without another byte."""
        try:
            return self._reader.read(1) == b""
        except ConnectionError:
            return True


def address_of(hub: MockHub) -> tuple[str, int]:
    host, _, port = hub.url.removeprefix("http://").partition(":")
    return host, int(port)


def head(*lines: str) -> bytes:
    return "\r\n".join([f"POST {PATH} HTTP/1.1", "Host: hub", *lines, "", ""]).encode()


def whole(request: Json) -> bytes:
    body = json.dumps(request).encode()
    return head(f"Content-Length: {len(body)}") + body


class Provider:
    """A provider by hand: logs in, and answers when it is told to."""

    def __init__(self, hub: MockHub) -> None:
        host, _, port = hub.provider.partition(":")
        trust = ssl.create_default_context(cafile=hub.ca_file)
        self._socket = trust.wrap_socket(socket.create_connection((host, int(port)), DEADLINE_S), server_hostname=host)
        self._socket.sendall(json.dumps({"user": SERVICE, "key": SERVICE_KEY}).encode())
        assert self._socket.recv(100).strip() == b"OK"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def receive(self) -> Json:
        """The next request."""
        frame = b""
        while True:
            frame += self._socket.recv(65536)
            try:
                return dict(json.loads(frame))
            except ValueError:
                continue

    def reply(self, text: str) -> None:
        payload = json.dumps({"reply": text}).encode()
        self._socket.sendall(b"%08x" % len(payload) + payload)

    def is_closed(self) -> bool:
        try:
            return self._socket.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True
