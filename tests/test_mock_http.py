"""The mock hub's HTTP door as programs see it that know nothing of this project: curl, http.client, bare sockets.

The command that runs a hub is tested in `test_mock_command.py`.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from foreign_programs import (
    PATH,
    SERVICE,
    SERVICE_KEY,
    Provider,
    Raw,
    address_of,
    client,
    head,
    post,
    settled_models,
    whole,
)
from patience import DEADLINE_S

from mockserver import MockHub, ServiceSettings
from neuroengine._generated.registry import ERRORS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = {"message": "Hello LLM", "max_new_len": 8}


@pytest.fixture(scope="module")
def plain() -> Iterator[MockHub]:
    with MockHub(services={SERVICE: SERVICE_KEY}, tls=False) as hub:
        yield hub


@pytest.fixture(scope="module")
def tls() -> Iterator[MockHub]:
    with MockHub(services={SERVICE: SERVICE_KEY}) as hub:
        yield hub


@pytest.fixture
def own() -> Iterator[MockHub]:
    """A hub for a test that changes it: it logs in as a provider, or stops it."""
    with MockHub(services={SERVICE: SERVICE_KEY}, tls=False) as hub:
        yield hub


def curl(*arguments: str) -> Any:
    command = ["curl", "--silent", "--show-error", "--max-time", str(DEADLINE_S), *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE_S).stdout)


def still_answers(hub: MockHub) -> bool:
    with client(hub) as connection:
        return bool(post(connection, REQUEST)["errorcode"] == 0)


@pytest.mark.parametrize("path", [f"/{SERVICE}", f"/{SERVICE}/"])
@pytest.mark.parametrize(
    "content_type",
    ["Content-Type: application/json", "Content-Type: application/x-www-form-urlencoded", "Content-Type:"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_curl_gets_a_whole_reply(plain: MockHub, tls: MockHub, scheme: str, content_type: str, path: str) -> None:
    hub = tls if scheme == "https" else plain
    answer = curl("--cacert", hub.ca_file, "--header", content_type, "--data", json.dumps(REQUEST), hub.url + path)
    assert answer["errorcode"] == 0
    assert answer["reply"]


def test_curl_without_the_authority_does_not_trust_the_hub(tls: MockHub) -> None:
    command = ["curl", "--silent", "--max-time", str(DEADLINE_S), "--data", "{}", tls.url + PATH]
    assert subprocess.run(command, check=False, capture_output=True, timeout=DEADLINE_S).returncode == 60


def test_a_program_of_the_standard_library_gets_everything_over_tls_on_one_connection(tls: MockHub) -> None:
    with client(tls) as connection:
        (entry,) = post(connection, {"command": "getmodels"}, "/")
        assert (entry["name"], entry["connected"]) == (SERVICE, True)
        reply = post(connection, {"message": "Hello LLM"})["reply"]
        pieces = []
        while piece := post(connection, {"message": "Hello LLM", "key": "stdlib", "gettokens": 7})["reply"]:
            pieces.append(piece)
        assert len(pieces) > 1
        assert "".join(pieces) == reply


def test_two_hubs_at_once_share_nothing(plain: MockHub, own: MockHub) -> None:
    assert plain.url != own.url
    poll = {"message": "Hello LLM", "key": "shared", "gettokens": 1}
    with client(plain) as one, client(own) as other:
        first = [post(one, poll)["reply"], post(one, poll)["reply"]]
        assert [post(other, poll)["reply"], post(other, poll)["reply"]] == first
        assert post(other, {"command": "getmodels"})[0]["numreq"] == 1


def test_errors_have_the_registrys_status_when_the_operator_wants_it() -> None:
    services = [
        ServiceSettings(name=SERVICE, key="K"),
        ServiceSettings(name="Closed", key="K", access_keys=("A",)),
        ServiceSettings(name="Used-Up", key="K", quota=0),
    ]
    cases = [
        (0, PATH, json.dumps(REQUEST)),
        (2, PATH, "{"),
        (3, PATH, "{}"),
        (4, PATH, '{"message": 1}'),
        (5, PATH, '{"command": 1}'),
        (6, "/Unknown", json.dumps(REQUEST)),
        (9, "/Used-Up", json.dumps(REQUEST)),
        (10, "/Closed", json.dumps(REQUEST)),
        (11, PATH, " " * 70_000),
        (18, PATH, '{"message": "x", "key": "x", "seq": 1}'),
    ]
    with MockHub(services, tls=False, matching_statuses=True) as hub:
        for code, path, body in cases:
            with client(hub) as connection:
                connection.request("POST", path, body)
                response = connection.getresponse()
                assert json.loads(response.read())["errorcode"] == code
                assert response.status == ERRORS[ErrorCode(code)].http_status


# -- clients that write oddly


def test_a_request_may_come_in_many_pieces(plain: MockHub) -> None:
    request = whole(REQUEST)
    with Raw(plain) as raw:
        raw.send(*(request[place : place + 1] for place in range(len(request))))
        assert raw.answer()[1]["errorcode"] == 0


def test_pipelined_requests_are_answered_in_their_order(plain: MockHub) -> None:
    with Raw(plain) as raw:
        raw.send(
            b"".join(whole({"message": "Hello LLM", "key": "pipe", "gettokens": 1, "seq": seq}) for seq in range(20))
        )
        assert [raw.answer()[1]["seq"] for _ in range(20)] == list(range(20))


def test_a_chunked_body_is_read(plain: MockHub) -> None:
    body = json.dumps(REQUEST).encode()
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:5], body[5:6], body[6:])]
    with Raw(plain) as raw:
        raw.send(head("Transfer-Encoding: chunked"), *chunks, b"0\r\n\r\n")
        assert raw.answer()[1]["errorcode"] == 0


def test_a_post_without_a_length_has_an_empty_body(plain: MockHub) -> None:
    with Raw(plain) as raw:
        raw.send(head())
        assert raw.answer()[1]["errorcode"] == ErrorCode.INVALID_JSON


def test_a_client_that_wants_the_connection_closed_finds_it_closed(plain: MockHub) -> None:
    with Raw(plain) as raw:
        raw.send(head("Connection: close", "Content-Length: 2") + b"{}")
        assert raw.answer()[1]["errorcode"] == ErrorCode.MISSING_MESSAGE
        assert raw.is_closed()


@pytest.mark.parametrize(
    "part",
    [b"", b"POST", whole(REQUEST)[:-1], head("Content-Length: 10")],
    ids=["nothing", "method", "half-body", "head"],
)
def test_a_client_that_leaves_in_the_middle_harms_nobody(plain: MockHub, part: bytes) -> None:
    with Raw(plain) as raw:
        raw.send(part)
    assert still_answers(plain)


@pytest.mark.parametrize("start", [head("Content-Length: 1000"), head("Transfer-Encoding: chunked") + b"F\r\n"])
def test_a_request_that_was_cut_is_none(own: MockHub, start: bytes) -> None:
    with client(own) as other:
        with Raw(own) as raw:
            raw.send(start + b'{"message":"x"}')
        assert settled_models(other)[0]["numreq"] == 0


def test_a_poll_that_was_cut_takes_no_piece(own: MockHub) -> None:
    poll = {"message": "Hello LLM", "key": "cut", "gettokens": 1}
    with client(own) as other:
        whole_reply = post(other, {"message": "Hello LLM"})["reply"]
        with Raw(own) as raw:
            raw.send(head("Content-Length: 1000") + json.dumps(poll).encode())
        settled_models(other)
        assert whole_reply.startswith(post(other, poll)["reply"])


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"Hello LLM\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"\0" * 1000,
        head("Content-Length: -1"),
    ],
)
def test_bytes_that_are_no_http_harm_nobody(plain: MockHub, noise: bytes) -> None:
    with Raw(plain) as raw:
        raw.send(noise)
        raw.socket.shutdown(socket.SHUT_WR)
        while raw.socket.recv(65536):
            pass
    assert still_answers(plain)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_of_ten_megabytes_is_refused_or_cut_and_harms_nobody(plain: MockHub, framing: str) -> None:
    size, count = 1 << 20, 10
    piece = b" " * size
    start = head(f"Content-Length: {size * count}") if framing == "length" else head("Transfer-Encoding: chunked")
    pieces = [piece] * count if framing == "length" else [b"%x\r\n" % size + piece + b"\r\n"] * count + [b"0\r\n\r\n"]
    with Raw(plain) as raw:
        try:
            raw.send(start, *pieces)
            assert raw.answer()[1]["errorcode"] == ErrorCode.REQUEST_TOO_LARGE
        except ConnectionError:
            assert raw.is_closed()
    assert still_answers(plain)


def test_a_get_is_told_to_post_and_the_connection_goes_on(plain: MockHub) -> None:
    with client(plain) as connection:
        connection.request("GET", PATH)
        response = connection.getresponse()
        assert (response.status, response.getheader("Allow")) == (405, "POST")
        assert "POST" in json.loads(response.read())["reply"]
        assert post(connection, REQUEST)["errorcode"] == 0


# -- clients that read slowly, leave, or are there when the hub stops


def test_a_slow_reader_gets_all_of_a_long_reply_and_holds_up_nobody(own: MockHub) -> None:
    text = "0123456789 " * 300_000
    with Provider(own) as provider, Raw(own) as slow:
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        slow.send(whole(REQUEST))
        provider.receive()
        provider.reply(text)
        with client(own) as other:
            for turn in range(3):
                assert post(other, {"command": "getmodels"})[0]["queuelen"] == 0, turn
        assert slow.answer() == (200, {"reply": text, "errorcode": 0})


def test_a_client_that_never_reads_and_leaves_harms_nobody(own: MockHub) -> None:
    with Provider(own) as provider:
        with Raw(own) as raw:
            raw.send(whole(REQUEST))
            provider.receive()
            provider.reply("0123456789 " * 300_000)
        with client(own) as connection, Raw(own) as other:
            other.send(whole({"message": "next"}))
            assert provider.receive()["message"] == "next"
            provider.reply("the next one's")
            assert other.answer()[1]["reply"] == "the next one's"
            assert post(connection, {"command": "getmodels"})[0]["queuelen"] == 0


def test_a_client_that_leaves_during_a_held_poll_loses_no_piece_for_the_next_poll(own: MockHub) -> None:
    poll = {"message": "Hello LLM", "key": "held", "gettokens": 2}
    with Provider(own) as provider, client(own) as other:
        with Raw(own) as leaving:
            leaving.send(whole(poll))
            assert provider.receive()["message"] == "Hello LLM"
        settled_models(other)
        provider.reply("one two three")
        pieces = []
        while piece := post(other, poll)["reply"]:
            pieces.append(piece)
        assert "".join(pieces) == "one two three"


def test_a_stopping_hub_answers_what_waits_with_code_16_and_closes_every_connection(own: MockHub) -> None:
    with (
        Provider(own) as provider,
        Raw(own) as idle,
        Raw(own) as reply,
        Raw(own) as poll,
        Raw(own) as second,
    ):
        reply.send(whole({"message": "whole"}))
        assert provider.receive()["message"] == "whole"
        poll.send(whole({"message": "held", "key": "one"}))
        second.send(whole({"message": "held", "key": "one"}))
        with client(own) as other:
            while post(other, {"command": "getmodels"})[0]["queuelen"] != 1:
                pass
        stopping = threading.Thread(target=own.stop)
        stopping.start()
        for waiting in (reply, poll, second):
            assert waiting.answer()[1]["errorcode"] == ErrorCode.SHUTTING_DOWN
        assert all(connection.is_closed() for connection in (idle, reply, poll, second, provider))
        stopping.join(DEADLINE_S)
        assert not stopping.is_alive()
        with pytest.raises(ConnectionError):
            socket.create_connection(address_of(own), DEADLINE_S)


def test_a_hub_stops_at_once_while_a_body_is_half_sent(own: MockHub, caplog: pytest.LogCaptureFixture) -> None:
    with Raw(own) as half, client(own) as other:
        half.send(head("Content-Length: 10"), b"{")
        settled_models(other)
        own.stop()
        status, answer = half.answer()
        assert (status, answer["errorcode"]) == (200, ErrorCode.SHUTTING_DOWN)
    assert caplog.records == []


def test_a_hub_can_be_stopped_twice_and_leaves_no_file_behind() -> None:
    hub = MockHub()
    hub.start()
    ca_file = hub.ca_file
    assert "BEGIN CERTIFICATE" in Path(ca_file).read_text(encoding="ascii")
    hub.stop()
    hub.stop()
    assert not Path(ca_file).exists()
