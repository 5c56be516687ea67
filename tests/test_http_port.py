"""The HTTP door against clients that break HTTP, send slowly, or do not read: a clean answer or a clean end."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from foreign_programs import PATH, SERVICE, SERVICE_KEY, Provider, Raw, client, head, post, settled_models, whole
from patience import DEADLINE_S

from mockserver import MockHub, ServiceSettings, runner
from mockserver.clock import Clock
from neuroengine._generated.registry import HUB_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = {"message": "Hello LLM", "max_new_len": 4}
BODY = json.dumps(REQUEST).encode()
CLOSED, ACCESS_KEY = "Closed", "ACCESS"


@pytest.fixture(params=["uvloop", "asyncio"], autouse=True)
def loop_factory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hub of the test runs on this kind of event loop."""
    if request.param == "asyncio":
        monkeypatch.setattr(runner, "_new_event_loop", asyncio.new_event_loop)


@pytest.fixture
def clock() -> Clock:
    return Clock.stepped()


@pytest.fixture
def hub(clock: Clock, caplog: pytest.LogCaptureFixture) -> Iterator[MockHub]:
    """A hub whose clock stands still; what happens to it is no fault of its own, so nothing is logged."""
    services = [ServiceSettings(SERVICE, SERVICE_KEY), ServiceSettings(CLOSED, "KEY", access_keys=(ACCESS_KEY,))]
    with MockHub(services, tls=False, clock=clock) as hub:
        yield hub
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def framed(*lines: str, body: bytes = BODY) -> bytes:
    return head(*lines) + body


CHUNKED = "Transfer-Encoding: chunked"
LENGTH = f"Content-Length: {len(BODY)}"
WHOLE_CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

BROKEN = {
    "two lengths that differ": framed(LENGTH, "Content-Length: 1"),
    "two equal lengths": framed(LENGTH, LENGTH),
    "list of lengths": framed(f"Content-Length: {len(BODY)}, {len(BODY)}"),
    "length and chunks": framed(LENGTH, CHUNKED, body=WHOLE_CHUNK),
    "chunks and length": framed(CHUNKED, LENGTH, body=WHOLE_CHUNK),
    "chunks twice": framed(CHUNKED, CHUNKED, body=WHOLE_CHUNK),
    "chunked is not last": framed("Transfer-Encoding: chunked, gzip", body=WHOLE_CHUNK),
    "unknown coding": framed("Transfer-Encoding: xchunked", body=WHOLE_CHUNK),
    "identity": framed("Transfer-Encoding: identity", body=BODY),
    "coding in quotes": framed('Transfer-Encoding: "chunked"', body=WHOLE_CHUNK),
    "blank before the colon": framed("Transfer-Encoding : chunked", body=WHOLE_CHUNK),
    "blank before the length's colon": framed(f"Content-Length : {len(BODY)}"),
    "length with a sign": framed(f"Content-Length: +{len(BODY)}"),
    "negative length": framed("Content-Length: -1"),
    "hexadecimal length": framed("Content-Length: 0x10"),
    "length with a point": framed("Content-Length: 2.0"),
    "empty length": framed("Content-Length:"),
    "length over 64 bits": framed("Content-Length: 99999999999999999999"),
    "length in words": framed("Content-Length: two"),
    "length with a vertical tab": framed("Content-Length: \x0b2"),
    "negative chunk": framed(CHUNKED, body=b"-1\r\n\r\n"),
    "chunk over 64 bits": framed(CHUNKED, body=b"FFFFFFFFFFFFFFFFF\r\n"),
    "chunk in words": framed(CHUNKED, body=b"two\r\n{}\r\n0\r\n\r\n"),
    "chunk with 0x": framed(CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n"),
    "chunk with a blank in front": framed(CHUNKED, body=b" 2\r\n{}\r\n0\r\n\r\n"),
    "empty chunk size": framed(CHUNKED, body=b"\r\n{}\r\n0\r\n\r\n"),
    "chunk size with a bare newline": framed(CHUNKED, body=b"2\n{}\r\n0\r\n\r\n"),
    "chunk longer than it says": framed(CHUNKED, body=b"2\r\n{}xx\r\n0\r\n\r\n"),
    "chunk without its end": framed(CHUNKED, body=b"2\r\n{}0\r\n\r\n"),
    "folded header": framed("X: a\r\n b", LENGTH),
    "folded by a tab": framed("X: a\r\n\tb", LENGTH),
    "first header begins with a blank": b"POST / HTTP/1.1\r\n X: a\r\n\r\n",
    "header without a colon": framed("Nothing", LENGTH),
    "header without a name": framed(": x", LENGTH),
    "NUL in a header": framed("X: a\0b", LENGTH),
    "bare carriage return in a header": framed("X: a\rb", LENGTH),
    "name with a blank": framed("X Y: a", LENGTH),
    "name with a control character": framed("X\x01: a", LENGTH),
    "bare newlines": framed(LENGTH).replace(b"\r\n", b"\n"),
    "no path": b"POST HTTP/1.1\r\n\r\n",
    "blank in the path": b"POST /a b HTTP/1.1\r\n\r\n",
    "bytes in the path": b"POST /\xff\xfe HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "tab for a blank": b"POST\t/\tHTTP/1.1\r\n\r\n",
    "lower-case method": b"post / HTTP/1.1\r\n\r\n",
    "unknown method": b"FROBNICATE / HTTP/1.1\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": b"POST / HTTP/9.9\r\n\r\n",
    "no HTTP version": b"POST / HTTP\r\n\r\n",
    "HTTPS on the plain port": b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    "zeros": bytes(64),
    "a line of text": b"Hello LLM\r\n\r\n",
    "upgrade to HTTP/2": framed("Connection: Upgrade", "Upgrade: h2c", LENGTH),
    "upgrade to WebSocket": b"GET / HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "a tunnel": b"CONNECT hub:443 HTTP/1.1\r\nHost: hub:443\r\n\r\n",
}
"""What is no HTTP/1.1, or may mean two things to two readers. Behind each the request below is smuggled."""

ODD = {
    "no Host": (b"POST %s HTTP/1.1\r\n%s\r\n\r\n%s" % (PATH.encode(), LENGTH.encode(), BODY), 0),
    "two Hosts": (framed("Host: other", LENGTH), 0),
    "HTTP/1.0": (framed(LENGTH).replace(b"HTTP/1.1", b"HTTP/1.0"), 0),
    "absolute path": (framed(LENGTH).replace(PATH.encode(), b"http://hub" + PATH.encode()), 0),
    "length with zeros in front": (framed(f"Content-Length: 000{len(BODY)}"), 0),
    "chunk with an extension": (framed(CHUNKED, body=WHOLE_CHUNK.replace(b"\r\n", b";a=b\r\n", 1)), 0),
    "chunk with zeros in front": (framed(CHUNKED, body=b"000" + WHOLE_CHUNK), 0),
    "coding in capitals": (framed("TRANSFER-ENCODING: CHUNKED", body=WHOLE_CHUNK), 0),
    "trailers": (framed(CHUNKED, body=WHOLE_CHUNK[:-2] + b"X: y\r\n\r\n"), 0),
    "empty lines in front": (b"\r\n\r\n" + framed(LENGTH), 0),
    "a hundred headers": (framed(*(f"X-{number}: y" for number in range(100)), LENGTH), 0),
    "header of 8 KiB": (framed(f"X: {'y' * 8192}", LENGTH), 0),
    "empty header": (framed("X:", LENGTH), 0),
    "bytes over 127 in a header": (framed(LENGTH).replace(b"Host: hub", b"Host: hub\r\nX: \xc3\xa9\xff"), 0),
    "expectation": (framed("Expect: something-else", LENGTH), 0),
    "escaped path": (framed(LENGTH).replace(PATH.encode(), PATH.replace("-", "%2D").encode()), 0),
    "asterisk": (framed(LENGTH).replace(PATH.encode(), b"*"), 6),
    "no body": (head(), 2),
}
"""What is odd, but HTTP, and the code that it is answered with."""


def answers(raw: Raw, sent: bytes) -> list[tuple[int, dict[str, object]]]:
    """What comes for some bytes until the hub ends the connection, each a status and a well-formed answer."""
    raw.send(sent)
    got = rest_of(raw)
    found = []
    while got:
        first, _, rest = got.partition(b"\r\n\r\n")
        lines = first.lower().split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
        found.append((int(lines[0].split()[1]), json.loads(rest[:length])))
        assert b"content-type: application/json" in lines
        got = rest[length:]
    return found


# -- what is no HTTP


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_http_is_refused_in_json_and_hides_no_second_request(hub: MockHub, name: str) -> None:
    with Raw(hub) as raw:
        ((status, answer),) = answers(raw, BROKEN[name] + whole(REQUEST))
    assert status == 400
    assert (answer["errorcode"], answer["error"]) == (2, "invalid_json")
    with client(hub) as connection:
        assert settled_models(connection)[0]["numreq"] == 0


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_http_is_refused_however_tcp_cuts_it(hub: MockHub, name: str) -> None:
    with Raw(hub) as raw:
        data = BROKEN[name]
        try:
            raw.send(*(data[place : place + 1] for place in range(len(data) - 1)))
        except ConnectionError:
            return
        ((status, answer),) = answers(raw, data[-1:] + whole(REQUEST))
    assert (status, answer["errorcode"]) == (400, 2)


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_but_http_is_answered(hub: MockHub, name: str) -> None:
    sent, code = ODD[name]
    with Raw(hub) as raw:
        raw.send(sent)
        status, answer = raw.answer()
    assert (status, answer["errorcode"]) == (200, code), answer


def test_a_trailer_is_no_header(hub: MockHub) -> None:
    path = f"/{CLOSED}".encode()
    trailer = f"Authorization: Bearer {ACCESS_KEY}\r\n".encode()
    flood = trailer + b"".join(b"X-%d: y\r\n" % number for number in range(5000))
    with Raw(hub) as raw:
        raw.send(framed(CHUNKED, body=WHOLE_CHUNK[:-2] + flood + b"\r\n").replace(PATH.encode(), path))
        assert raw.answer()[1]["errorcode"] == 10
        raw.send(framed(f"Authorization: Bearer {ACCESS_KEY}", LENGTH).replace(PATH.encode(), path))
        assert raw.answer()[1]["errorcode"] == 0


def test_what_is_no_http_behind_requests_takes_nothing_from_their_answers(hub: MockHub) -> None:
    for broken in (b"no http\r\n\r\n", BROKEN["chunk in words"], BROKEN["upgrade to HTTP/2"]):
        with Provider(hub) as provider, Raw(hub) as raw, client(hub) as other:
            raw.send(whole({"message": "held"}) + whole({"command": "getmodels"}) + broken + whole(REQUEST))
            assert provider.receive()["message"] == "held"
            settled_models(other)
            provider.reply("its own")
            assert raw.answer() == (200, {"reply": "its own", "errorcode": 0})
            assert isinstance(raw.answer()[1], list)
            assert raw.is_closed()


def test_a_client_that_leaves_behind_two_requests_has_left_both(hub: MockHub) -> None:
    with Provider(hub) as provider, client(hub) as other:
        with Raw(hub) as raw:
            raw.send(whole({"message": "one"}) + whole({"message": "two"}))
            assert provider.receive()["message"] == "one"
            settled_models(other)
        settled_models(other)
        (entry,) = hub.journal.find("one")
        assert entry.left
        assert hub.journal.find("two") == []


@pytest.mark.parametrize("count", [1, 5000])
@pytest.mark.parametrize("ends", [True, False], ids=["whole", "endless"])
def test_a_head_that_is_too_large_is_refused(hub: MockHub, count: int, *, ends: bool) -> None:
    value = "y" * (HUB_LIMITS["http_header_bytes"] // count + 2000 // count)
    lines = (f"X-{number}: {value}" for number in range(count))
    large = head(*lines, LENGTH)[: None if ends else -4]
    with Raw(hub) as raw:
        ((status, answer),) = answers(raw, large)
    assert (status, answer["errorcode"]) == (431, 11)


# -- who sends slowly

PARTS = {
    "a letter": (b"P", b"O", "http_header_s"),
    "a line": (f"POST {PATH} HTTP/1.1\r\n".encode(), b"X", "http_header_s"),
    "a head without its end": (head(LENGTH)[:-2], b"\r", "http_header_s"),
    "a head": (head(LENGTH), b"{", "http_body_s"),
    "half a body": (head(LENGTH) + BODY[:5], b"x", "http_body_s"),
    "half a chunk": (head(CHUNKED) + b"%x\r\n" % len(BODY) + BODY[:5], b"x", "http_body_s"),
    "chunks without an end": (head(CHUNKED) + WHOLE_CHUNK[:-5], b"0", "http_body_s"),
    "half a trailer": (head(CHUNKED) + WHOLE_CHUNK[:-2] + b"X", b"Y", "http_body_s"),
}
"""What is sent, one byte more that comes in time, and the limit that then passes."""


@pytest.mark.parametrize("name", PARTS)
def test_a_client_that_sends_a_part_and_no_more_is_cut_off_in_time(hub: MockHub, clock: Clock, name: str) -> None:
    part, more, limit = PARTS[name]
    with Raw(hub) as raw, client(hub) as other:
        raw.send(part)
        settled_models(other)
        clock.advance(HUB_LIMITS[limit] - 0.1)
        settled_models(other)
        raw.send(more)
        settled_models(other)
        clock.advance(0.2)
        assert raw.is_closed()
        assert settled_models(other)[0]["numreq"] == 0


def test_a_client_that_sends_slowly_but_in_time_is_served(hub: MockHub, clock: Clock) -> None:
    with Raw(hub) as raw, client(hub) as other:
        for _ in range(3):
            for part, limit in ((head(LENGTH)[:-1], "http_header_s"), (b"\n" + BODY[:-1], "http_body_s")):
                raw.send(part)
                settled_models(other)
                clock.advance(HUB_LIMITS[limit] - 0.1)
            raw.send(BODY[-1:])
            assert raw.answer()[1]["errorcode"] == 0
            clock.advance(100)


def test_a_client_whose_next_request_waits_for_its_turn_is_not_cut_off(clock: Clock) -> None:
    with (
        MockHub({SERVICE: SERVICE_KEY}, tls=False, clock=clock, limits={"keep_warm_s": 1000, "ping_s": 1000}) as hub,
        Provider(hub) as provider,
        Raw(hub) as raw,
        client(hub) as other,
    ):
        raw.send(whole({"message": "held"}) + head(LENGTH) + BODY[:5])
        assert provider.receive()["message"] == "held"
        settled_models(other)
        clock.advance(100)
        settled_models(other)
        provider.reply("yes")
        assert raw.answer()[1]["reply"] == "yes"
        raw.send(BODY[5:])
        assert provider.receive()["message"] == REQUEST["message"]
        provider.reply("and yes")
        assert raw.answer()[1]["reply"] == "and yes"


def test_an_oversized_body_that_goes_on_slowly_is_answered_and_cut_off(hub: MockHub, clock: Clock) -> None:
    with Raw(hub) as raw, client(hub) as other:
        raw.send(head("Content-Length: 1000000") + b" " * 70_000)
        assert raw.answer()[1]["errorcode"] == 11
        settled_models(other)
        clock.advance(HUB_LIMITS["http_body_s"])
        assert raw.is_closed()


# -- who does not read


def flood(raw: Raw, request: bytes) -> int:
    """Sends a request again and again until the hub takes no more; how many went out whole."""
    raw.socket.settimeout(0)
    count = 0
    patience = 0
    left = b""
    while patience < 50:
        left = left or request
        try:
            sent = raw.socket.send(left)
        except BlockingIOError:
            patience += 1
            raw.socket.settimeout(0.01)
            continue
        except TimeoutError:
            patience += 1
            continue
        patience = 0
        left = left[sent:]
        count += not left
    raw.socket.settimeout(DEADLINE_S)
    return count


def rest_of(raw: Raw) -> bytes:
    """What still comes until the hub ends the connection."""
    got = b""
    with suppress(ConnectionError):
        while piece := raw.socket.recv(1 << 20):
            got += piece
    return got


def unread_client(hub: MockHub) -> Raw:
    """A client whose socket takes little before it is read."""
    raw = Raw(hub)
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        raw.socket.setsockopt(socket.SOL_SOCKET, buffer, 32_768)
    return raw


def test_a_client_that_never_reads_is_read_no_more_and_then_cut_off(hub: MockHub, clock: Clock) -> None:
    with unread_client(hub) as raw, client(hub) as other:
        flood(raw, whole({"command": "getmodels"}))
        settled_models(other)
        clock.advance(HUB_LIMITS["unread_s"])
        settled_models(other)
        clock.advance(HUB_LIMITS["unread_s"])
        assert len(rest_of(raw)) < 1 << 20
        assert post(other, REQUEST)["errorcode"] == 0


def test_a_client_that_reads_late_gets_every_answer_in_its_order(hub: MockHub) -> None:
    with unread_client(hub) as raw:
        count = flood(raw, whole({"command": "getmodels"}))
        assert count > 100
        for _ in range(count):
            assert isinstance(raw.answer()[1], list)


def test_a_client_that_reads_slowly_is_not_cut_off(hub: MockHub, clock: Clock) -> None:
    text = "0123456789 " * 100_000
    with Provider(hub) as provider, unread_client(hub) as raw, client(hub) as other:
        raw.send(whole({"message": "long"}))
        provider.receive()
        provider.reply(text)
        hub.journal.wait_for(1, "long", timeout=DEADLINE_S)
        got = b""
        while len(got) < len(text):
            settled_models(other)
            clock.advance(HUB_LIMITS["unread_s"] * 0.9)
            piece = raw.socket.recv(300_000)
            assert piece
            got += piece
        assert got.endswith(b"0}")


def test_a_client_that_asks_for_the_end_and_does_not_read_is_cut_off(hub: MockHub, clock: Clock) -> None:
    text = "0123456789 " * 300_000
    with Provider(hub) as provider, unread_client(hub) as raw, client(hub) as other:
        raw.send(head("Connection: close", LENGTH) + BODY)
        provider.receive()
        provider.reply(text)
        hub.journal.wait_for(1, REQUEST["message"], timeout=DEADLINE_S)
        settled_models(other)
        for _ in range(3):
            clock.advance(HUB_LIMITS["unread_s"])
            settled_models(other)
        assert len(rest_of(raw)) < len(text)
