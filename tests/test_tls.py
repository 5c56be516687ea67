"""TLS of the provider port on each event loop: what comes through, and who is waited for how long."""

from __future__ import annotations

import asyncio
import ssl
import struct
from contextlib import asynccontextmanager
from socket import AF_INET, SO_LINGER, SO_RCVBUF, SO_SNDBUF, SOCK_STREAM, SOL_SOCKET, socket
from typing import TYPE_CHECKING, cast

import pytest
import uvloop
from patience import DEADLINE_S

from mockserver import tls
from mockserver.certificates import Authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    Scene = Callable[["Server"], Awaitable[None]]
    Play = Callable[[Scene], None]

LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
SOON_S = 0.05


class Told(asyncio.Protocol):
    """Notes what it is told; answers what it is asked by `reply`."""

    def __init__(self) -> None:
        self.made: asyncio.Future[asyncio.Transport] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.data = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.made.set_result(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - any end is an end
        self.lost.set_result(None)


class Server:
    """A TLS server whose connections only note what they are told."""

    def __init__(self, authority: Authority, port: int, connections: asyncio.Queue[Told]) -> None:
        self.trust = ssl.create_default_context(cadata=authority.ca_pem.decode())
        self.port = port
        self.connections = connections
        self.clients: list[asyncio.StreamWriter] = []

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Told, asyncio.Transport]:
        """A client's connection, and its other end."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.trust, server_hostname="localhost"
        )
        self.clients.append(writer)
        told = await self.connections.get()
        return reader, writer, told, await told.made

    async def open_plainly(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection without TLS that takes little at a time."""
        client = socket(AF_INET, SOCK_STREAM)
        client.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
        client.settimeout(0)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=client)
        self.clients.append(writer)
        return reader, writer

    async def open_by_hand(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Told]:
        """A connection whose client does nothing by itself once TLS is up: what it reads and writes are records."""
        reader, writer = await self.open_plainly()
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.trust.wrap_bio(received, to_send, server_hostname="localhost")
        is_up = False
        while not is_up:
            try:
                client.do_handshake()
                is_up = True
            except ssl.SSLWantReadError:
                writer.write(to_send.read())
                received.write(await reader.read(65_536))
        writer.write(to_send.read())
        return reader, writer, await self.connections.get()


@asynccontextmanager
async def serving(authority: Authority) -> AsyncIterator[Server]:
    connections: asyncio.Queue[Told] = asyncio.Queue()

    def connection() -> Told:
        told = Told()
        connections.put_nowait(told)
        return told

    factory = tls.over_tls(authority.server_context(), connection)
    listener = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    server = Server(authority, listener.sockets[0].getsockname()[1], connections)
    try:
        yield server
    finally:
        # Nobody is waited for: a failing test must end.
        listener.close()
        for client in server.clients:
            client.transport.abort()
        for _ in range(10):
            await asyncio.sleep(0)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(params=LOOPS)
def play(request: pytest.FixtureRequest, authority: Authority, caplog: pytest.LogCaptureFixture) -> Iterator[Play]:
    """Plays a scene with a server, on each loop; nothing may be logged."""

    async def scene_with_server(scene: Scene) -> None:
        async with asyncio.timeout(DEADLINE_S), serving(authority) as server:
            await scene(server)

    def play_it(scene: Scene) -> None:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(scene_with_server(scene))

    yield play_it
    assert caplog.records == []


def test_bytes_come_through_whole_in_both_directions(play: Play) -> None:
    data = bytes(range(256)) * 4096

    async def scene(server: Server) -> None:
        reader, writer, told, transport = await server.open()
        writer.write(data)
        transport.write(data)
        assert await reader.readexactly(len(data)) == data
        await writer.drain()
        writer.close()
        await told.lost
        assert told.data == data
        assert transport.get_extra_info("ended_in_order")
        assert transport.get_extra_info("peername")[0] == "127.0.0.1"

    play(scene)


def test_whoever_closes_is_heard_out_and_the_other_one_told_once(play: Play) -> None:
    async def scene(server: Server) -> None:
        reader, writer, told, transport = await server.open()
        writer.write(b"x" * 100_000)  # is never read: it must not cost the last words
        transport.write(b"last words")
        transport.close()
        transport.write(b"and more")
        transport.close()
        assert transport.is_closing()
        assert await reader.read() == b"last words"
        writer.close()
        await told.lost

    play(scene)


def test_a_client_that_never_closes_is_cut_off(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "GOODBYE_S", SOON_S)

    async def scene(server: Server) -> None:
        _, writer, told = await server.open_by_hand()
        (await told.made).close()
        await told.lost
        writer.close()

    play(scene)


@pytest.mark.parametrize("reset", [False, True], ids=["end", "reset"])
def test_an_end_without_goodbye_is_an_end_and_is_told_apart(play: Play, *, reset: bool) -> None:
    async def scene(server: Server) -> None:
        _, writer, told, transport = await server.open()
        if reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, linger)
        writer.transport.abort()
        await told.lost
        assert not transport.get_extra_info("ended_in_order")

    play(scene)


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01"], ids=["nothing", "half a hello"])
def test_a_handshake_that_does_not_go_on_is_cut_off(play: Play, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_S", SOON_S)

    async def scene(server: Server) -> None:
        reader, writer = await server.open_plainly()
        writer.write(said)
        assert await ended(reader)
        assert not (await server.connections.get()).made.done()
        writer.close()

    play(scene)


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 10_000, b"\x16\x03\x01\x00\x04\x01\x00\x00\x00"])
def test_bytes_that_are_no_tls_end_the_connection(play: Play, said: bytes) -> None:
    async def scene(server: Server) -> None:
        reader, writer = await server.open_plainly()
        writer.write(said)
        assert await ended(reader)
        assert not (await server.connections.get()).made.done()
        writer.close()

    play(scene)


def test_bytes_that_are_no_tls_any_more_end_the_connection(play: Play) -> None:
    async def scene(server: Server) -> None:
        reader, writer, told = await server.open_by_hand()
        await told.made
        writer.write(b"\x17\x03\x03\x00\x20" + bytes(32))
        assert await ended(reader)
        await told.lost
        writer.close()

    play(scene)


def test_a_client_that_does_not_read_is_cut_off(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "READER_S", SOON_S)

    async def scene(server: Server) -> None:
        _, writer, told = await server.open_by_hand()
        cast("asyncio.ReadTransport", writer.transport).pause_reading()
        transport = await told.made
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, 1)
        transport.write(bytes(tls.MOST_UNREAD_BYTES // 2))  # as much as may lie unread for a while
        await told.lost

    play(scene)


def test_what_a_client_leaves_unread_is_bounded(play: Play) -> None:
    async def scene(server: Server) -> None:
        _, writer, told, transport = await server.open()
        cast("asyncio.ReadTransport", writer.transport).pause_reading()
        for _ in range(1000):
            transport.write(bytes(100_000))
        await told.lost
        assert transport.is_closing()
        writer.transport.abort()

    play(scene)


def test_a_client_that_reads_late_gets_everything(play: Play) -> None:
    data = bytes(500_000)

    async def scene(server: Server) -> None:
        reader, writer, told, transport = await server.open()
        cast("asyncio.ReadTransport", writer.transport).pause_reading()
        transport.write(data)
        await asyncio.sleep(0)
        cast("asyncio.ReadTransport", writer.transport).resume_reading()
        assert await reader.readexactly(len(data)) == data
        writer.close()
        await told.lost

    play(scene)


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the server ends the connection; an alert may come before."""
    try:
        while await reader.read(65_536):
            pass
    except ConnectionError:
        pass
    return True
