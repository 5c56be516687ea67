"""A hub's provider port made by hand: blocking sockets, driven step by step, sharing no code with the library."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING, Any, Self

import trustme
from patience import DEADLINE_S

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = "MYGPT"
KEY = "DEMOKEY"


class HubLink:
    """The hub's end of one connection."""

    def __init__(self, tls: ssl.SSLSocket) -> None:
        self._tls = tls
        self._tls.settimeout(DEADLINE_S)

    def record(self) -> bytes:
        """The next TLS record, `b""` at the end."""
        try:
            return self._tls.recv(1 << 20)
        except (ConnectionError, ssl.SSLEOFError):
            return b""

    def login(self) -> Any:
        """The login object."""
        received = b""
        while True:
            record = self.record()
            assert record, f"closed inside the login: {received!r}"
            received += record
            with contextlib.suppress(ValueError):
                return json.loads(received)

    def accept(self) -> Self:
        """Reads the login and takes it."""
        assert self.login() == {"user": SERVICE, "key": KEY}
        return self.say(b"OK")

    def refuse(self, words: bytes = b"Invalid key.") -> None:
        self.login()
        self.say(words)
        self.close()

    def say(self, data: bytes) -> Self:
        self._tls.sendall(data)
        return self

    def answer(self) -> Any:
        """The next answer: the digits, and then exactly that many bytes."""
        length = self._exactly(8)
        assert length == length.upper()
        return json.loads(self._exactly(int(length, 16)))

    def ask(self, message: str) -> Any:
        return self.say(json.dumps({"message": message}).encode()).answer()

    def is_closed(self) -> bool:
        """Waits for the provider's close; false when it sends something instead."""
        return self.record() == b""

    def close(self) -> None:
        """Closes without TLS close-notify, as deployed hubs do."""
        with contextlib.suppress(OSError):
            self._tls.shutdown(socket.SHUT_RDWR)
        self._tls.close()

    def bid_farewell(self) -> None:
        """Closes in order, with TLS close-notify."""
        self._tls.settimeout(0)
        with contextlib.suppress(OSError):  # the other side's farewell is not waited for
            self._tls.unwrap()
        self._tls.close()

    def reset(self) -> None:
        """Breaks the connection by a TCP reset, as a hub that crashed does."""
        self._tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._tls.close()

    def _exactly(self, length: int) -> bytes:
        received = b""
        while len(received) < length:
            more = self._tls.recv(length - len(received))
            assert more, f"closed after {received!r}"
            received += more
        return received


class ToyHub:
    """Accepts connections while it is entered; the test takes them one by one."""

    def __init__(self, folder: Path, *, certificate_name: str = "localhost") -> None:
        authority = trustme.CA()
        self.ca_file = str(folder / "authority.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(certificate_name).configure_cert(self._context)
        self._links: queue.SimpleQueue[HubLink] = queue.SimpleQueue()
        self._taken: list[HubLink] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.address = f"localhost:{self.port}"
        self._thread = threading.Thread(target=self._accept_all)

    def link(self) -> HubLink:
        """The next connection, as soon as TLS is up."""
        link = self._links.get(timeout=DEADLINE_S)
        self._taken.append(link)
        return link

    def stays_alone(self, seconds: float) -> bool:
        """Whether nobody connects for so long."""
        try:
            self._taken.append(self._links.get(timeout=seconds))
        except queue.Empty:
            return True
        return False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accept
        self._listener.close()
        self._thread.join(DEADLINE_S)
        while not self._links.empty():
            self._taken.append(self._links.get())
        for link in self._taken:
            link.close()

    def _accept_all(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(DEADLINE_S)
            try:
                self._links.put(HubLink(self._context.wrap_socket(connection, server_side=True)))
            except OSError:  # the provider does not trust this hub
                connection.close()
