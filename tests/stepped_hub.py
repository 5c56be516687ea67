"""A mock hub on a clock that a test steps by hand, and programs at both of its ends that see bytes.

When `advance` has returned, everything that fell due is in the receivers' buffers: so a test can tell that nothing has
come without waiting for it.
"""

from __future__ import annotations

import json
import socket
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from foreign_programs import DEADLINE_S, SERVICE, SERVICE_KEY, address_of, client, post, whole
from record_provider import RecordProvider

from mockserver import Clock, MockHub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.faults import StandingFault
    from mockserver.state.hub import HubState

Json = dict[str, Any]

LONG_S = 100_000.0
"""Longer than any limit of the hub, in seconds."""


class Caller:
    """A client that writes and reads bytes."""

    def __init__(self, hub: MockHub) -> None:
        self.socket = socket.create_connection(address_of(hub), timeout=DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = bytearray()

    def send(self, data: bytes) -> Self:
        self.socket.sendall(data)
        return self

    def ask(self, message: str = "Hello LLM", **fields: object) -> Self:
        return self.send(whole({"message": message, **fields}))

    def head(self) -> dict[str, str]:
        """The next answer's head: its headers, and its status as `:status`."""
        while b"\r\n\r\n" not in self._read:
            assert self._receive(), f"no head, but {bytes(self._read)!r}"
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/1.1 ")
        return {":status": first.split()[1]} | dict(line.lower().split(": ", 1) for line in lines)

    def announced(self) -> int:
        """The length of the body that the next answer's head announces."""
        return int(self.head()["content-length"])

    def body(self, size: int) -> bytes:
        """The next bytes, fewer where the connection ends."""
        while len(self._read) < size and self._receive():
            pass
        data = bytes(self._read[:size])
        del self._read[:size]
        return data

    def answer(self) -> Json:
        """The next answer, whole."""
        answer: Json = json.loads(self.body(self.announced()))
        return answer

    def warm_answer(self) -> Json:
        """The next answer, behind the blanks that kept its client waiting."""
        assert "content-length" not in self.head()
        chunks = []
        while size := int(self._line(), 16):
            chunks.append(self.body(size))
            assert self._line() == b""
        assert self._line() == b""
        assert set(chunks[:-1]) == {b" "}
        answer: Json = json.loads(chunks[-1])
        return answer

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        return self.body(sys.maxsize)

    def there(self) -> bytes:
        """What is there now, without waiting for more."""
        with without_waiting(self.socket), suppress(BlockingIOError):
            while self._receive():
                pass
        return self.body(len(self._read))

    def has_nothing(self) -> bool:
        """Whether not a byte is there, nor an end."""
        return not self._read and is_silent(self.socket)

    def close(self) -> None:
        self.socket.close()

    def _line(self) -> bytes:
        while b"\r\n" not in self._read:
            assert self._receive(), f"no line, but {bytes(self._read)!r}"
        line, _, self._read = self._read.partition(b"\r\n")
        return bytes(line)

    def _receive(self) -> bool:
        data = self.socket.recv(1 << 16)
        self._read += data
        return bool(data)


def is_silent(connection: socket.socket) -> bool:
    """Whether nothing has come, not even an end."""
    with without_waiting(connection):
        try:
            connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        return False


@contextmanager
def without_waiting(connection: socket.socket) -> Iterator[None]:
    """Whatever is read in here is there already."""
    before = connection.gettimeout()
    connection.settimeout(0)
    try:
        yield
    finally:
        connection.settimeout(before)


class Stage:
    """A hub, and everybody who talks to it; all are gone when it is closed."""

    def __init__(self, **settings: Any) -> None:
        self._stack = ExitStack()
        standing: dict[str, Any] = {"clock": Clock.stepped(), "tls": False, "limits": {"ping_s": LONG_S}}
        self.hub = self._stack.enter_context(MockHub({SERVICE: SERVICE_KEY}, **standing | settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def fault(self, name: str, **how: Any) -> StandingFault:
        """Lets one exchange be befallen."""
        return self.hub.faults.add(name, **{"times": 1, **how})

    def caller(self) -> Caller:
        caller = Caller(self.hub)
        self._stack.callback(caller.close)
        return caller

    def ask(self, message: str = "Hello LLM", **fields: object) -> Caller:
        """A caller whose request is at the hub, which has not answered all of it."""
        before = self._there(self.hub._keeper.state)
        caller = self.caller().ask(message, **fields)
        # Others may leave meanwhile, so that their number tells nothing.
        assert self.hub._keeper.wait_until(lambda state: bool(self._there(state) - before), DEADLINE_S)
        return caller

    def provider(self, **more: Any) -> RecordProvider:
        provider = RecordProvider(self.hub.provider, self.hub.ca_file).login(SERVICE, SERVICE_KEY, **more)
        return self._stack.enter_context(provider)

    def advance(self, seconds: float) -> None:
        self.hub.clock.advance(seconds)

    def reply(self, message: str = "Hello LLM", **fields: object) -> str:
        """What the hub says when nothing befalls the exchange, by a client of the standard library."""
        with client(self.hub) as connection:
            answer = post(connection, {"message": message, **fields})
        assert answer["errorcode"] == 0, answer
        return str(answer["reply"])

    @property
    def numreq(self) -> int:
        """How many generations the hub has counted."""
        with client(self.hub) as connection:
            return int(post(connection, {"command": "getmodels"})[0]["numreq"])

    @staticmethod
    def _there(state: HubState) -> set[object]:
        """Everything that waits at the hub: requests on their way to it, and exchanges."""
        return {*state._arriving, *state._playing, *state._waiting}

    def is_left_alone(self) -> bool:
        """Whether soon nobody waits at the hub."""
        return self.hub._keeper.wait_until(lambda state: not state.waiting, DEADLINE_S)
