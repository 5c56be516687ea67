"""A hub in another style: the standard library's `http.server`, one class, written from the protocol's rules alone.

It differs from the mock hub in the ways that the protocol allows; `Ways` says which.
"""

from __future__ import annotations

import json
import random
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from conformance.selftest.another.requests import BODY_BYTES, Refused, check, coerced, read

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

SERVICE: Final = "Another-LLM"
WORDS: Final = (
    "sea wind rope bread harbour light stone tide lamp keeper gull morning boat sand wave oven flour quiet".split()
)
OTHER_WORDS: Final = (
    'θάλασσα \U0001f30a ветер 海 \U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301té \u202eabc \\ " / \t <b>'.split(
        " "
    )
)
KNOWN: Final = set(
    "message temperature top_p top_k min_p repetition_penalty max_new_len seed raw key gettokens".split()
)
STREAMS_KEPT: Final = 1000
HANDSHAKE_S: Final = 10.0


@dataclass
class Ways:
    """How this hub differs from others.

    Args:
        statuses: errors have HTTP statuses. code: the code of every error. pretty: answers are indented, chunked and
        begin with blanks. by_chance: the model rolls dice, whatever the seed. piece_tokens: the most tokens that a
        piece has, whatever a poll asks for; 0 for no such bound. extra: answers and entries have members of their
        own. most_tokens: what `max_new_len` is lowered to. late: every poll is first answered with "not ready".
        http10: a connection for each request. prefix: what stands before every path. forgets: a key is new again
        right after its end. slow_s: how long the model thinks, in seconds. small_writes: answers leave in writes of
        few bytes. coerces: of what is no number, or out of range, the hub makes something that it can use. sentence:
        what every refusal says; "" for something that fits. other_words: the model speaks in many scripts.
        one_by_one: one request at a time is answered. neighbours: so many more services are listed, which nobody
        serves. body_bytes: the longest request. stumbles: so many requests with unknown members are refused, and then
        no more. faints: after a body that is no JSON every request is refused. picky: whatever is more than a message
        is refused. (The last three are faults.)
    """

    statuses: bool = False
    code: int = 3
    pretty: bool = False
    by_chance: bool = False
    piece_tokens: int = 0
    extra: bool = False
    most_tokens: int = 4096
    late: bool = False
    http10: bool = False
    prefix: str = ""
    forgets: bool = False
    slow_s: float = 0.0
    small_writes: bool = False
    coerces: bool = False
    sentence: str = ""
    other_words: bool = False
    one_by_one: bool = False
    neighbours: int = 0
    body_bytes: int = BODY_BYTES
    stumbles: int = 0
    faints: bool = False
    picky: bool = False


@dataclass
class Stream:
    """What one key is owed yet."""

    message: str
    tokens: list[str]
    ended: bool = False
    was_late: bool = False


@dataclass
class State:
    """What the hub knows, and how it answers."""

    ways: Ways
    streams: dict[str, Stream] = field(default_factory=dict)
    requests: int = 0
    has_fainted: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, body: bytes) -> Any:
        """The content of an answer.

        Raises:
            Refused: the request is none that can be answered.
        """
        with self.turn if self.ways.one_by_one else nullcontext():
            return self.answer_now(path, body)

    def answer_now(self, path: str, body: bytes) -> Any:
        """The same, whoever else is answered meanwhile."""
        request = self.read(body)
        if "command" in request:
            if request["command"] != "getmodels":
                raise Refused("I know one command only: getmodels.")
            return [*self.neighbours(), self.entry()]
        name = path.partition("?")[0].strip("/") if not path.startswith("//") else ""
        if name != SERVICE:
            raise Refused(f"Nobody here is called {name[:80]!r}.")
        if not isinstance(request.get("message"), str):
            raise Refused("A request needs a message, and it is a string.")
        if self.ways.coerces:
            request = coerced(request)
        check(request)
        if request.get("key"):
            return self.piece(request)
        return self.whole(request)

    def whole(self, request: dict[str, Any]) -> dict[str, Any]:
        """The whole reply."""
        self.requests += 1
        return self.success("".join(self.tokens(request)))

    def read(self, body: bytes) -> dict[str, Any]:
        """The request in a body, unless the hub is in no mood for it."""
        try:
            request = read(body, self.ways.body_bytes)
        except Refused:
            self.has_fainted = self.ways.faints
            raise
        if self.has_fainted or (self.ways.picky and request.keys() != {"message"}):
            raise Refused("I am not well.")
        if self.ways.stumbles and request.keys() - KNOWN:
            self.ways.stumbles -= 1
            raise Refused("I do not know that.")
        return request

    def neighbours(self) -> list[dict[str, Any]]:
        """The entries of services that nobody serves."""
        entry = {"connected": False, "numreq": 0, "queuelen": 0, "comment": "", "operator": ""}
        return [{"name": f"Neighbour-{number}"} | entry for number in range(self.ways.neighbours)]

    def entry(self) -> dict[str, Any]:
        """The service's entry in the model list."""
        entry = {"name": SERVICE, "connected": True, "numreq": self.requests, "queuelen": 0}
        entry |= {"comment": "A model <b>of</b> dice", "operator": "@somebody"}
        return entry | (
            {"preprompt": "", "endprompt": "", "price": {"eur": 0.0}, "tags": []} if self.ways.extra else {}
        )

    def success(self, reply: str) -> dict[str, Any]:
        """A reply, or a piece of one."""
        return {"reply": reply, "errorcode": 0} | (
            {"model": "dice-1", "usage": {"tokens": 3}} if self.ways.extra else {}
        )

    def piece(self, request: dict[str, Any]) -> dict[str, Any]:
        """What a poll gets."""
        with self.lock:
            stream = self.streams.get(request["key"])
            if stream is None or (stream.ended and (self.ways.forgets or stream.message != request["message"])):
                self.requests += 1
                stream = self.streams[request["key"]] = Stream(request["message"], self.tokens(request))
                while len(self.streams) > STREAMS_KEPT:
                    self.streams.pop(next(iter(self.streams)))
            if self.ways.late:
                stream.was_late = not stream.was_late
                if stream.was_late:
                    raise Refused("Nothing yet, ask again.")
            most = int(request.get("gettokens", 20))
            most = min(most, self.ways.piece_tokens or most)
            tokens, stream.tokens = stream.tokens[:most], stream.tokens[most:]
            stream.ended = not tokens
            return self.success("".join(tokens))

    def tokens(self, request: dict[str, Any]) -> list[str]:
        """What the model says, token by token."""
        time.sleep(self.ways.slow_s)
        seed = (request["message"], request.get("seed", 0))
        greedy = 0 in (request.get("temperature", 1.0), request.get("top_p", 0.9)) or request.get("top_k", 40) == 1
        dice = random.Random() if self.ways.by_chance else random.Random(repr(seed[:1] if greedy else seed))
        length = min(int(request.get("max_new_len", 128)), self.ways.most_tokens)
        words = OTHER_WORDS if self.ways.other_words else WORDS
        tokens = [f" {dice.choice(words)}" for _ in range(min(length, dice.randint(70, 90)))]
        return [tokens[0].lstrip().capitalize(), *tokens[1:]] if tokens else []


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    state: State

    def do_POST(self) -> None:
        """Answers a request."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = 200
        try:
            content = self.state.answer(self.path.removeprefix(self.state.ways.prefix), body)
        except Refused as refused:
            content = {"reply": self.state.ways.sentence or str(refused), "errorcode": self.state.ways.code}
            status = 422 if self.state.ways.statuses else 200
        if self.state.ways.pretty:
            self.send_in_chunks(status, b"  \n" + json.dumps(content, indent=3).encode())
        else:
            self.send(status, json.dumps(content).encode())

    def send(self, status: int, body: bytes) -> None:
        """Sends an answer of a known length."""
        self.begin(status, "Content-Length", str(len(body)))
        if not self.state.ways.small_writes:
            self.wfile.write(body)
            return
        for start in range(0, len(body), 11):
            self.wfile.write(body[start : start + 11])
            self.wfile.flush()

    def send_in_chunks(self, status: int, body: bytes) -> None:
        """Sends an answer in small chunks."""
        self.begin(status, "Transfer-Encoding", "chunked")
        parts = [body[start : start + 7] for start in range(0, len(body), 7)]
        self.wfile.write(b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n")

    def begin(self, status: int, header: str, value: str) -> None:
        """Sends the head of an answer."""
        self.send_response_only(status)
        self.send_header("Content-Type", "text/html" if self.state.ways.extra else "application/json")
        self.send_header(header, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 64
    certificate: Certificate | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serves a connection, in its own thread; the handshake is its first step."""
        if self.certificate:
            request.settimeout(HANDSHAKE_S)
            with suppress(OSError), self.certificate.context.wrap_socket(request, server_side=True) as tls:
                tls.settimeout(None)
                super().finish_request(tls, client_address)
        else:
            super().finish_request(request, client_address)


class Certificate(NamedTuple):
    """What this machine shows of itself over TLS, and the PEM file of the authority behind it."""

    context: ssl.SSLContext
    ca_file: str


@contextmanager
def another_hub(ways: Ways | None = None, certificate: Certificate | None = None) -> Iterator[str]:
    """The address of a running hub, over TLS if it has a certificate."""
    with serving(State(ways or Ways()), Handler, certificate) as url:
        yield url


@contextmanager
def serving(state: State, handler: type[Handler], certificate: Certificate | None = None) -> Iterator[str]:
    """The address at which clients are answered out of a state."""
    version = "HTTP/1.0" if state.ways.http10 else "HTTP/1.1"
    members = {"state": state, "protocol_version": version, "wbufsize": -1, "disable_nagle_algorithm": True}
    server = Server(("127.0.0.1", 0), type("BoundHandler", (handler,), members))
    if certificate:
        server.certificate = certificate
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        scheme = "https" if certificate else "http"
        yield f"{scheme}://127.0.0.1:{server.server_address[1]}{state.ways.prefix}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
