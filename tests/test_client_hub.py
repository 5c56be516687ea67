"""The clients against real sockets: the mock hub over TLS and plain, and servers that break the connection."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S

from mockserver import MockHub, ServiceSettings
from neuroengine import AsyncClient, Client, Retry, Timeouts
from neuroengine.errors import HUB_ERRORS, ConnectionFailed, StreamGap, TimedOut, TLSFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCESS_KEY = "acc3ss-k3y"
SERVICES = (
    ServiceSettings("Open", "service-key"),
    ServiceSettings("Closed", "service-key", access_keys=(ACCESS_KEY,)),
    ServiceSettings("Scarce", "service-key", quota=1, quota_window_s=3600),
    ServiceSettings("Offline", "service-key", offline=True),
)
LIMITS = {"queue_s": 0.05, "open_streams": 1}
ONCE = Retry(tries=1)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 30\r\nConnection: close\r\n\r\n"
BODY = b'{"reply": "x", "errorcode": 0}'


@pytest.fixture(scope="module", params=[True, False], ids=["tls", "plain"])
def hub(request: pytest.FixtureRequest) -> Iterator[MockHub]:
    with MockHub(SERVICES, tls=request.param, limits=LIMITS) as running:
        yield running


def reach(hub: MockHub, service: str = "Open", **settings: Any) -> Client:
    ca_file = hub.ca_file if hub.url.startswith("https") else None
    return Client(service, url=hub.url, ca_file=ca_file, access_key=settings.pop("access_key", ""), **settings)


def test_a_stream_is_the_whole_reply_in_pieces(hub: MockHub) -> None:
    with reach(hub) as client:
        whole = client.generate("Tell me", seed=7, max_new_len=60).text
        with client.stream("Tell me", seed=7, max_new_len=60, gettokens=3) as stream:
            pieces = list(stream)
    assert len(pieces) >= 10
    assert "".join(pieces) == stream.text == whole


def test_the_async_client_reads_the_same(hub: MockHub) -> None:
    ca_file = hub.ca_file if hub.url.startswith("https") else None

    async def main() -> tuple[str, list[str], list[str]]:
        async with AsyncClient("Open", url=hub.url, ca_file=ca_file) as client:
            whole = await client.generate("Tell me", seed=8, max_new_len=30)
            pieces = [piece async for piece in client.stream("Tell me", seed=8, max_new_len=30)]
            return whole.text, pieces, [model.name for model in await client.models()]

    text, pieces, names = asyncio.run(main())
    assert "".join(pieces) == text
    with reach(hub) as client:
        assert client.generate("Tell me", seed=8, max_new_len=30).text == text
        assert [model.name for model in client.models()] == names == [row.name for row in SERVICES]


@pytest.mark.parametrize(
    ("code", "use"),
    [
        (6, lambda hub: reach(hub, "Nobody", retry=ONCE).generate("x")),
        (7, lambda hub: reach(hub, "Offline", retry=ONCE).generate("x")),
        (9, lambda hub: [reach(hub, "Scarce", retry=ONCE).generate("x") for _ in range(2)]),
        (10, lambda hub: reach(hub, "Closed", access_key="wrong", retry=ONCE).generate("x")),
        (11, lambda hub: reach(hub, retry=ONCE).generate("x" * 70_000)),
    ],
)
def test_an_error_of_the_hub_arrives_as_its_own_class(
    hub: MockHub, code: int, use: Callable[[MockHub], object]
) -> None:
    with pytest.raises(HUB_ERRORS[code]) as caught:
        use(hub)
    assert caught.value.sentence


def test_the_right_access_key_opens_a_service(hub: MockHub) -> None:
    with reach(hub, "Closed", access_key=ACCESS_KEY) as client:
        assert client.generate("x", max_new_len=3).text


def test_a_hub_whose_authority_is_not_trusted_sees_no_request() -> None:
    with MockHub() as hub, MockHub() as other:
        stranger = Client(url=hub.url, ca_file=other.ca_file)
        with pytest.raises(TLSFailed, match="ca_file"):
            stranger.generate("x")
        with Client(url=hub.url, ca_file=hub.ca_file) as client:
            assert client.models()[0].numreq == 0


def test_verification_can_be_switched_off_by_name() -> None:
    with MockHub() as hub, Client(url=hub.url, verify=False) as client:
        assert client.generate("x", max_new_len=3).text


def test_a_plain_hub_asked_over_tls_is_a_failure_of_tls() -> None:
    with MockHub(tls=False) as hub, pytest.raises(TLSFailed, match="speaks TLS"):
        Client(url=hub.url.replace("http:", "https:")).generate("x")


def test_one_connection_serves_many_polls() -> None:
    connections = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one write: no waiting for acknowledgements

        def setup(self) -> None:
            super().setup()
            connections.append(self.client_address)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = b'{"reply": "x", "errorcode": 0}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: a test has its own words."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with Client("S", url=f"http://127.0.0.1:{server.server_port}") as client:
                for _ in range(10):
                    client.generate("x")
                stream = client.stream("x")
                assert [next(stream) for _ in range(10)] == ["x"] * 10
        finally:
            server.shutdown()
            thread.join(DEADLINE_S)
    assert len(connections) == 1


def request_of(connection: socket.socket) -> bytes:
    """One request to its end, as what a server leaves unread breaks its answer; empty where none comes."""
    data = b""
    while not is_whole(data) and (piece := connection.recv(65536)):
        data += piece
    return data


def is_whole(request: bytes) -> bool:
    head, blank, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    return bool(blank and length and len(body) >= int(length[1]))


@contextmanager
def server(*scripts: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads one request a connection and then does what a script says, the last one for ever."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            left = list(scripts)
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(DEADLINE_S)
                    data = request_of(connection)
                    if not data:  # the test is over
                        return
                    requests.append(data)
                    (left.pop(0) if len(left) > 1 else left[0])(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        finally:
            socket.create_connection(listener.getsockname()).close()
            thread.join(DEADLINE_S)
            assert not thread.is_alive()


def answer(connection: socket.socket) -> None:
    connection.sendall(HEAD + BODY)


def cut(connection: socket.socket) -> None:
    connection.sendall(HEAD + BODY[:-5])


def hang_up(_: socket.socket) -> None:
    """Closes without a word."""


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def babble(connection: socket.socket) -> None:
    connection.sendall(b"HELO\r\n" * 3)


@pytest.mark.parametrize("broken", [cut, hang_up, reset, babble], ids=lambda broken: broken.__name__)
def test_a_broken_connection_is_tried_again(broken: Callable[[socket.socket], None]) -> None:
    with server(broken, answer) as (url, requests):
        with Client("S", url=url, sleep=lambda _: None) as client:
            assert client.generate("x").text == "x"
        assert len(requests) == 2


@pytest.mark.parametrize("broken", [cut, hang_up, reset], ids=lambda broken: broken.__name__)
def test_a_broken_connection_in_a_stream_of_a_hub_without_seq_is_a_gap(
    broken: Callable[[socket.socket], None],
) -> None:
    with server(answer, broken, answer) as (url, requests):
        with Client("S", url=url, sleep=lambda _: None) as client:
            stream = client.stream("x")
            assert next(stream) == "x"
            with pytest.raises(StreamGap) as caught:
                next(stream)
        assert caught.value.text == "x"
        assert len(requests) == 2


@pytest.mark.parametrize("limits", [Timeouts(answer_s=0.05), Timeouts(total_s=1.0)], ids=["byte", "total"])
def test_a_hub_that_says_nothing_is_given_up_in_time(limits: Timeouts) -> None:
    given_up = threading.Event()

    def hang(_: socket.socket) -> None:
        given_up.wait(DEADLINE_S)

    with server(hang) as (url, _), Client("S", url=url, timeouts=limits, retry=ONCE) as client:
        try:
            with pytest.raises(TimedOut) as caught:
                client.generate("x")
        finally:
            given_up.set()
    assert caught.value.request_sent


def test_a_closed_port_is_reported_with_the_reason_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    waits: list[float] = []
    with (
        Client("S", url=f"http://127.0.0.1:{port}", sleep=waits.append) as client,
        pytest.raises(ConnectionFailed, match=r"refused.*NEUROENGINE_URL") as caught,
    ):
        client.generate("x")
    assert not caught.value.request_sent
    assert len(waits) == 2
