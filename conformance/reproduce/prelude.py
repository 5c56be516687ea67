"""What a printed script can do, by the standard library alone: post as a client, and connect as a provider."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

WAIT_S = 30.0


class Hub:
    """Both legs of a hub. Requests and links have numbers; every step prints what it did, or what came."""

    def __init__(self, url: str, provider: str, ca_file: str, *, insecure: bool) -> None:
        self._url = urlsplit(os.environ.get("NE_URL", url))
        self._provider = os.environ.get("NE_PROVIDER", provider)
        self._tls = ssl.create_default_context(cafile=ca_file or None)
        if insecure:
            self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE
        self._calls: dict[int, tuple[http.client.HTTPConnection, threading.Thread]] = {}
        self._came: dict[int, str] = {}
        self._links: dict[int, ssl.SSLSocket] = {}

    def post(self, number: int, path: str, body: bytes, content_type: str | None, access_key: str = "") -> None:
        """Sends a request, and goes on."""
        self._say(f"request {number}: POST {path} {shown(body)}")
        if self._url.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._url.netloc, timeout=WAIT_S, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(self._url.netloc, timeout=WAIT_S)
        headers = {} if content_type is None else {"Content-Type": content_type}
        if access_key:
            headers["Authorization"] = f"Bearer {access_key}"

        def run() -> None:
            try:
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
                self._came[number] = f"status {answer.status} {shown(answer.read())}"
            except (OSError, http.client.HTTPException) as error:
                self._came[number] = f"no answer: {error!r}"

        thread = threading.Thread(target=run, daemon=True)
        self._calls[number] = connection, thread
        thread.start()

    def answer(self, number: int) -> None:
        """Waits for the answer to a request."""
        self._calls[number][1].join(WAIT_S)
        self._say(f"answer {number}: {self._came.get(number, f'nothing within {WAIT_S:g} s')}")

    def leave(self, number: int) -> None:
        """Closes the client's connection, whatever was to come."""
        self._say(f"request {number}: the client leaves")
        connection = self._calls[number][0]
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)

    def log_in(self, number: int, login: bytes) -> None:
        """Opens a provider's link and logs in."""
        self.connect(number)
        self.send(number, login)
        self.receive(number)

    def connect(self, number: int) -> None:
        """Opens a provider's link."""
        self._say(f"link {number}: connect to {self._provider}")
        host, _, port = self._provider.rpartition(":")
        link = self._tls.wrap_socket(
            socket.create_connection((host.strip("[]"), int(port)), WAIT_S), server_hostname=host
        )
        self._links[number] = link

    def send(self, number: int, *parts: bytes) -> None:
        """Sends bytes on a link, each part in a write of its own."""
        for part in parts:
            self._say(f"link {number}: send {len(part)} bytes")
            self._links[number].sendall(part)

    def receive(self, number: int, *, ping: bool = False) -> None:
        """Waits for bytes on a link, or for its end; pings that come meanwhile are passed over."""
        try:
            data = self._links[number].recv(65_536)
            while not ping and data.startswith(b'{"ping"'):
                data = self._links[number].recv(65_536)
            self._say(f"link {number}: {f'came {shown(data)}' if data else 'closed by the hub'}")
        except OSError as error:
            self._say(f"link {number}: {error!r}")

    def close(self, number: int, *, notify: bool = True) -> None:
        """Closes a link, with TLS's close-notify or without."""
        self._say(f"link {number}: close {'with' if notify else 'without'} close-notify")
        link = self._links[number]
        if notify:
            link.settimeout(1.0)
            with contextlib.suppress(OSError):
                link.unwrap().close()
        link.close()

    def pause(self, seconds: float) -> None:
        """Waits."""
        self._say(f"pause {seconds:g} s")
        time.sleep(seconds)

    def _say(self, text: str) -> None:
        print(text, flush=True)


def shown(data: bytes) -> str:
    """Bytes for a person, at most the first 2,000 of them."""
    return data[:2_000].decode("utf-8", "backslashreplace")


def secret(variable: str) -> bytes:
    """A key from the environment, as it stands in JSON."""
    value = os.environ.get(variable)
    if value is None:
        raise SystemExit(f"put the key into the environment first: export {variable}=...")
    return json.dumps(value)[1:-1].encode()


def new_key(length: int) -> bytes:
    """A stream key that nobody has used."""
    return secrets.token_hex(length)[:length].encode()
