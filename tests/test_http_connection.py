"""One HTTP connection of the hub's, without a socket: what it writes, in how many writes, and who answers."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import httptools
import pytest
from foreign_programs import PATH, SERVICE, SERVICE_KEY, head, whole
from patience import DEADLINE_S

from mockserver import Clock, MockHub
from mockserver.app import HubApp
from mockserver.http.door import Door

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.http.connection import HttpConnection

HELLO = {"message": "Hello"}


class Wire(asyncio.Transport):
    """What a connection writes to, and when it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self._is_closing = False
        self.written = asyncio.Event()

    def write(self, data: Any) -> None:
        assert not self._is_closing, f"written behind the end: {data!r}"
        self.writes.append(bytes(data))
        self.written.set()

    def close(self) -> None:
        self._is_closing = True
        self.written.set()

    def abort(self) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self._is_closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    async def until(self, holds: Callable[[], bool]) -> None:
        """Returns when what was written is as `holds` wants it."""
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                self.written.clear()
                await self.written.wait()


class Scene:
    """A hub, its door, and one connection."""

    def __init__(self, **settings: Any) -> None:
        self.hub = MockHub({SERVICE: SERVICE_KEY}, clock=Clock.stepped(), **settings)
        self.hub.on("Hello").reply("Hi")
        app = HubApp(self.hub._keeper)
        self.door = Door(self.hub._keeper, app, app.at_once)
        self.wire = Wire()
        self.connection: HttpConnection = self.door.connection()
        self.connection.connection_made(self.wire)

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.data_received(piece)

    def end(self) -> None:
        self.connection.connection_lost(None)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(write.partition(b"\r\n\r\n")[2]) for write in self.wire.writes]


def test_an_answer_that_is_there_at_once_goes_out_in_one_write_without_a_task() -> None:
    async def play() -> None:
        scene = Scene()
        scene.send(whole(HELLO), whole(HELLO)[:50], whole(HELLO)[50:])
        assert not scene.door.tasks
        assert scene.bodies == [{"reply": "Hi", "errorcode": 0}] * 2
        assert scene.wire.writes[0].startswith(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ")
        scene.end()

    asyncio.run(play())


def test_requests_in_one_packet_are_answered_one_by_one() -> None:
    async def play() -> None:
        scene = Scene()
        scene.send(whole(HELLO) * 20)
        assert scene.bodies == [{"reply": "Hi", "errorcode": 0}] * 20
        scene.end()

    asyncio.run(play())


def test_what_follows_the_last_request_of_a_connection_is_not_even_read() -> None:
    async def play() -> None:
        scene = Scene()
        body = json.dumps(HELLO).encode()
        scene.send(head("Connection: close", f"Content-Length: {len(body)}") + body + whole(HELLO))
        assert scene.bodies == [{"reply": "Hi", "errorcode": 0}]
        assert b"\r\nconnection: close\r\n" in scene.wire.writes[0]
        assert scene.wire.is_closing()
        assert len(scene.hub.journal) == 1
        scene.end()

    asyncio.run(play())


def test_a_body_of_any_size_that_the_limit_allows_is_read() -> None:
    async def play() -> None:
        scene = Scene(limits={"http_body_bytes": 1_000_000})
        data = whole({**HELLO, "more": "x" * 900_000})
        scene.send(*(data[place : place + 8192] for place in range(0, len(data), 8192)))
        assert scene.bodies == [{"reply": "Hi", "errorcode": 0}]
        scene.end()

    asyncio.run(play())


def test_a_client_is_asked_for_a_body_that_it_holds_back() -> None:
    async def play() -> None:
        scene = Scene()
        body = json.dumps(HELLO).encode()
        scene.send(head("Expect: 100-continue", f"Content-Length: {len(body)}"))
        await scene.wire.until(lambda: bool(scene.wire.writes))
        assert scene.wire.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
        scene.send(body)
        await scene.wire.until(lambda: b"Hi" in b"".join(scene.wire.writes))
        scene.end()

    asyncio.run(play())


def test_a_question_for_the_head_gets_no_body() -> None:
    async def play() -> None:
        scene = Scene()
        scene.send(f"HEAD {PATH} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
        await scene.wire.until(lambda: bool(scene.wire.writes))
        scene.send(whole(HELLO))
        answer = b"".join(scene.wire.writes)
        assert answer.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
        assert answer.partition(b"\r\n\r\n")[2].startswith(b"HTTP/1.1 200 OK\r\n")
        scene.end()

    asyncio.run(play())


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_body_of_unknown_length_is_chunked_only_where_the_client_knows_chunks(version: str) -> None:
    async def play() -> bytes:
        scene = Scene()
        scene.hub.on("slow").delay(15).reply("At last")
        scene.send(whole({"message": "slow"}).replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
        scene.hub.clock.advance(10)  # a blank keeps the client waiting
        await scene.wire.until(lambda: len(scene.wire.writes) > 1)
        scene.hub.clock.advance(5)
        await scene.wire.until(lambda: b"At last" in b"".join(scene.wire.writes))
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*scene.door.tasks)
        assert scene.wire.is_closing() is (version == "1.0")
        scene.end()
        return b"".join(scene.wire.writes)

    first, _, body = asyncio.run(play()).partition(b"\r\n\r\n")
    if version == "1.0":
        assert first.endswith(b"\r\nconnection: close")
        assert json.loads(body) == {"reply": "At last", "errorcode": 0}
    else:
        assert first.endswith(b"\r\ntransfer-encoding: chunked")
        assert body.startswith(b"1\r\n \r\n")
        assert body.endswith(b"\r\n0\r\n\r\n")


def test_a_client_that_does_not_read_waits_for_its_next_answer() -> None:
    async def play() -> None:
        scene = Scene()
        scene.connection.pause_writing()
        scene.send(whole(HELLO), whole(HELLO))
        await asyncio.sleep(0)
        assert scene.wire.writes == []
        scene.connection.resume_writing()
        await scene.wire.until(lambda: b"".join(scene.wire.writes).count(b"Hi") == 2)
        scene.end()

    asyncio.run(play())


def test_a_failure_of_the_hubs_own_is_an_answer_and_no_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def play() -> None:
        scene = Scene()
        messages = scene.hub._keeper.state.messages
        with monkeypatch.context() as broken:
            broken.setattr(messages, "of", lambda _: 1 / 0)
            scene.send(whole(HELLO))
            scene.send(head("Expect: 100-continue", "Content-Length: 20"), b'{"message": "Hello"}')
            await scene.wire.until(lambda: b"".join(scene.wire.writes).count(b"internal_error") == 2)
        scene.send(whole(HELLO))
        assert scene.wire.writes[-1].endswith(b'{"reply": "Hi", "errorcode": 0}')
        scene.end()

    with caplog.at_level(logging.ERROR):
        asyncio.run(play())
    assert len(caplog.records) == 2
    assert all(record.exc_info is not None for record in caplog.records)


@pytest.mark.parametrize("target", [b"hub:443", b"http://[hub/", b"http://hub:99999999/"])
def test_a_target_that_is_none_is_no_http(target: bytes) -> None:
    async def play() -> None:
        scene = Scene()
        scene.send(b"POST " + target + b" HTTP/1.1\r\nHost: hub\r\nContent-Length: 2\r\n\r\n{}")
        assert scene.wire.writes[0].startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert scene.bodies[0]["errorcode"] == 2
        scene.end()

    asyncio.run(play())


def test_a_fault_of_the_hubs_own_does_not_pass_for_the_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        scene = Scene()
        monkeypatch.setattr(scene.door, "answer", lambda *_, **__: 1 / 0)
        with pytest.raises(httptools.HttpParserCallbackError) as raised:
            scene.send(whole(HELLO))
        assert isinstance(raised.value.__context__, ZeroDivisionError)
        assert scene.wire.writes == []
        scene.end()

    asyncio.run(play())


def test_a_client_that_comes_while_the_hub_stops_is_sent_away() -> None:
    async def play() -> None:
        scene = Scene()
        scene.hub.stop()
        late = Wire()
        connection = scene.door.connection()
        connection.connection_made(late)
        assert late.is_closing()
        connection.connection_lost(None)
        scene.end()
        assert not scene.door.connections

    asyncio.run(play())
