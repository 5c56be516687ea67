"""The hub's provider port over real sockets: TLS records, abrupt ends, many connections."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from patience import DEADLINE_S
from record_provider import RecordProvider

from mockserver import Clock, MockHub, runner
from mockserver.keeper import Keeper
from mockserver.provider_port import ProviderConnection
from mockserver.state.hub import HubState
from mockserver.state.service_settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE, KEY = "MYGPT", "DEMOKEY"
pytestmark = pytest.mark.usefixtures("loop_factory")

BARE = len('{"message": "", "raw": "False"}')


@pytest.fixture(params=["uvloop", "asyncio"])
def loop_factory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hub of the test runs on this kind of event loop."""
    if request.param == "asyncio":
        monkeypatch.setattr(runner, "_new_event_loop", asyncio.new_event_loop)
    else:
        pytest.importorskip("uvloop")


@pytest.fixture
def hub() -> Iterator[MockHub]:
    with MockHub({SERVICE: KEY}, tls=False, limits={"ping_s": 1000}) as hub:
        yield hub


@pytest.fixture
def clients() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(60) as pool:
        yield pool


def provider(hub: MockHub, service: str = SERVICE, **more: Any) -> RecordProvider:
    return RecordProvider(hub.provider, hub.ca_file).login(service, KEY, **more)


def post(hub: MockHub, path: str, request: dict[str, object]) -> Any:
    connection = HTTPConnection(hub.url.removeprefix("http://"), timeout=DEADLINE_S)
    with closing(connection):
        connection.request("POST", path, json.dumps(request))
        return json.loads(connection.getresponse().read())


def ask(hub: MockHub, message: str, service: str = SERVICE) -> dict[str, Any]:
    answer: dict[str, Any] = post(hub, f"/{service}", {"message": message})
    return answer


def entry(hub: MockHub) -> dict[str, Any]:
    rows: list[dict[str, Any]] = post(hub, "/", {"command": "getmodels"})
    return next(row for row in rows if row["name"] == SERVICE)


# -- records


def test_ok_and_every_frame_come_in_records_of_their_own(hub: MockHub, clients: ThreadPoolExecutor) -> None:
    with provider(hub) as first:
        first_answer = clients.submit(ask, hub, "one")
        assert json.loads(first.record())["message"] == "one"
        queued = clients.submit(ask, hub, "two")
        while entry(hub)["queuelen"] == 0:
            pass
        with RecordProvider(hub.provider, hub.ca_file) as second:
            second.send(json.dumps({"user": SERVICE, "key": KEY}).encode())
            assert second.record() == b"OK"
            assert json.loads(second.record())["message"] == "two"
            second.answer("2")
            assert queued.result()["reply"] == "2"
        assert first_answer.result()["errorcode"] == 13


def test_a_ping_and_the_request_behind_it_share_no_record(clients: ThreadPoolExecutor) -> None:
    with MockHub({SERVICE: KEY}, tls=False, limits={"ping_s": 0.05}) as hub, provider(hub) as there:
        assert json.loads(there.record()) == {"ping": 1}
        answers = []
        for number in range(5):
            answers.append(clients.submit(ask, hub, str(number)))
            while "message" not in (frame := json.loads(there.record())):
                assert frame == {"ping": 1}
            there.answer(frame["message"])
        assert [answer.result()["reply"] for answer in answers] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("size", [4095, 4096, 16_384, 16_385, 40_960, 49_151])
def test_a_long_frame_fills_its_records_and_is_no_multiple_of_4096_long(
    hub: MockHub, clients: ThreadPoolExecutor, size: int
) -> None:
    message = "x" * (size - BARE)
    with provider(hub) as there:
        answer = clients.submit(ask, hub, message)
        wanted = size + (size % 4096 == 0)
        records = [there.record()]
        while sum(map(len, records)) < wanted:
            records.append(there.record())
        assert [len(record) for record in records[:-1]] == [16_384] * (len(records) - 1)
        assert sum(map(len, records)) == wanted
        assert json.loads(b"".join(records))["message"] == message
        there.answer("ok")
        assert answer.result()["reply"] == "ok"


def test_a_login_and_an_answer_may_come_a_byte_a_record(hub: MockHub, clients: ThreadPoolExecutor) -> None:
    with RecordProvider(hub.provider, hub.ca_file) as there:
        login = json.dumps({"user": SERVICE, "key": KEY, "x": '}"{'}).encode()
        there.send(*(login[place : place + 1] for place in range(len(login))))
        assert there.record() == b"OK"
        answer = clients.submit(ask, hub, "hi")
        there.frame()
        data = b'0000001B{"reply": "\xc3\xa9", "extra": 1}'
        there.send(*(data[place : place + 1] for place in range(len(data))))
        assert answer.result() == {"reply": "é", "extra": 1, "errorcode": 0}


def test_the_largest_payload_comes_through(hub: MockHub, clients: ThreadPoolExecutor) -> None:
    reply = "x" * (4 * 1024 * 1024 - len('{"reply": ""}'))
    with provider(hub) as there:
        answer = clients.submit(ask, hub, "hi")
        there.frame()
        there.answer(reply)
        assert answer.result()["reply"] == reply


# -- ends


@pytest.mark.parametrize("reset", [False, True], ids=["end", "reset"])
@pytest.mark.parametrize("said", [b"", b"0000", b'00000010{"rep'])
def test_a_close_without_close_notify_costs_the_outstanding_request_13_and_a_new_login_is_served(
    hub: MockHub, clients: ThreadPoolExecutor, said: bytes, *, reset: bool
) -> None:
    first = provider(hub)
    lost = clients.submit(ask, hub, "one")
    first.frame()
    if said:
        first.send(said)
    first.close(reset=reset)
    assert lost.result()["errorcode"] == 13
    with provider(hub) as second:
        served = clients.submit(ask, hub, "two")
        assert second.frame()["message"] == "two"
        second.answer("2")
        assert served.result()["reply"] == "2"


def test_the_model_list_follows_a_close(hub: MockHub) -> None:
    there = provider(hub)
    assert entry(hub)["connected"]
    there.close()
    while entry(hub)["connected"]:
        pass


@pytest.mark.parametrize("login", [b'{"user": "MYGPT", "key": "wrong"}', b"GET / HTTP/1.1\r\n\r\n", b"x" * 10_000])
def test_a_refused_login_is_answered_with_something_else_and_closed(hub: MockHub, login: bytes) -> None:
    with RecordProvider(hub.provider, hub.ca_file) as there:
        there.send(login)
        said = b""
        while piece := there.record():
            said += piece
        assert said.startswith(b"ERROR")


def test_a_silent_connection_is_closed_in_time() -> None:
    with (
        MockHub({SERVICE: KEY}, tls=False, limits={"login_s": 0.05}) as hub,
        RecordProvider(hub.provider, hub.ca_file) as there,
    ):
        assert there.record() == b""


def test_unasked_bytes_close_the_link(hub: MockHub) -> None:
    with provider(hub) as there:
        there.send(b"00000000")
        assert there.record() == b""


@pytest.mark.parametrize("noise", [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 5000])
def test_what_is_no_tls_harms_nobody(hub: MockHub, noise: bytes) -> None:
    host, port = hub.provider.split(":")
    with socket.create_connection((host, int(port)), DEADLINE_S) as stranger:
        stranger.sendall(noise)
        provider(hub).close()


def test_a_provider_that_does_not_trust_the_hub_gets_no_connection(hub: MockHub) -> None:
    host, port = hub.provider.split(":")
    context = ssl.create_default_context()
    with socket.create_connection((host, int(port)), DEADLINE_S) as raw, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(raw, server_hostname=host)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_and_both_names_of_this_machine_are_served(hub: MockHub, version: ssl.TLSVersion) -> None:
    port = int(hub.provider.split(":")[1])
    for name in ("localhost", "127.0.0.1"):
        context = ssl.create_default_context(cafile=hub.ca_file)
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(("127.0.0.1", port), DEADLINE_S) as raw,
            context.wrap_socket(raw, server_hostname=name) as there,
        ):
            there.sendall(json.dumps({"user": SERVICE, "key": KEY}).encode())
            assert there.recv(100) == b"OK"


# -- many


def test_silent_connections_delay_nobodys_login(hub: MockHub) -> None:
    host, port = hub.provider.split(":")
    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(socket.create_connection((host, int(port)), DEADLINE_S))
            stack.enter_context(RecordProvider(hub.provider, hub.ca_file))
        stack.enter_context(provider(hub))


def test_fifty_providers_are_served_at_once_each_with_its_own_requests(clients: ThreadPoolExecutor) -> None:
    names = [f"Service-{number}" for number in range(50)]
    with MockHub(dict.fromkeys(names, KEY), tls=False) as hub, ExitStack() as stack:
        providers = {name: stack.enter_context(provider(hub, name)) for name in names}
        answers = {name: clients.submit(ask, hub, f"to {name}", name) for name in names}
        for name, there in reversed(providers.items()):
            assert there.frame()["message"] == f"to {name}"
            there.answer(f"from {name}")
        assert {name: answer.result()["reply"] for name, answer in answers.items()} == {
            name: f"from {name}" for name in names
        }


def test_logins_in_quick_succession_leave_the_last_one_served(hub: MockHub, clients: ThreadPoolExecutor) -> None:
    with ExitStack() as stack:
        last = [stack.enter_context(provider(hub)) for _ in range(10)][-1]
        answer = clients.submit(ask, hub, "hi")
        last.frame()
        last.answer("yes")
        assert answer.result()["reply"] == "yes"


# -- the end of the hub


def test_a_hub_that_stops_closes_its_providers_and_answers_their_clients(clients: ThreadPoolExecutor) -> None:
    hub = MockHub({SERVICE: KEY}, tls=False).start()
    try:
        with provider(hub) as there, RecordProvider(hub.provider, hub.ca_file) as silent:
            answer = clients.submit(ask, hub, "hi")
            there.frame()
            hub.stop()
            assert answer.result()["errorcode"] == 16
            assert there.record() == b""
            assert silent.record() == b""
    finally:
        hub.stop()


# -- quick acknowledgements


class Transport(asyncio.Transport):
    """Notes what is written and set, in order."""

    def __init__(self) -> None:
        super().__init__({"socket": self})
        self.done: list[object] = []

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.done.append(bytes(data))

    def is_closing(self) -> bool:
        return False

    def setsockopt(self, level: int, option: int, value: int) -> None:
        assert level == socket.IPPROTO_TCP
        self.done.append((option, value))


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="this system has no TCP_QUICKACK")
def test_every_write_asks_for_quick_acknowledgements() -> None:
    keeper, transport = Keeper(HubState([ServiceSettings(SERVICE, KEY)]), Clock()), Transport()
    quick = (socket.TCP_QUICKACK, 1)

    async def talk() -> None:
        connection = ProviderConnection(keeper, set())
        connection.connection_made(transport)
        connection.data_received(json.dumps({"user": SERVICE, "key": KEY}).encode())
        with keeper as now:
            keeper.state.post(f"/{SERVICE}", b'{"message": "hi"}', now)

    asyncio.run(talk())
    assert transport.done == [quick, b"OK", quick, b'{"message": "hi", "raw": "False"}', quick]
