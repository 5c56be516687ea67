"""A hub in a hundred lines: one service, whole replies, streams, and the model list."""

import json
import random
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SERVICE = "Islander"
WORDS = "sea wind rope bread harbour light stone tide lamp keeper gull boat".split()
MOST_TOKENS = 512
MOST_BODY_BYTES = 64 * 1024
MOST_STREAMS = 1000


class Refused(Exception):
    """Raised with an error code and a sentence for the person at the client."""

    def __init__(self, code: int, sentence: str) -> None:
        self.answer = {"reply": sentence, "errorcode": code}


NUMBERS = "temperature top_p top_k min_p repetition_penalty max_new_len".split()


def check(request: dict[str, Any]) -> None:
    """Refuses what the model could not use; members that nobody knows are left alone."""
    if not isinstance(request.get("message"), str):
        raise Refused(3, "A request needs a message, and it must be text.")
    for name in NUMBERS:
        if not is_number(request.get(name, 0), least=0):
            raise Refused(4, f"{name} must be a number, 0 or more.")
    # --8<-- [start:check]
    if not isinstance(request.get("key") or "", str):
        raise Refused(4, "key must be text.")
    size = request.get("gettokens", 20)
    if isinstance(size, str) and size.isdecimal():
        size = int(size)  # one deployed client sends "20"
    if not is_number(size, least=1):
        raise Refused(4, "gettokens must be a number, 1 or more.")
    request["gettokens"] = int(size)
    # --8<-- [end:check]


def is_number(value: Any, *, least: int) -> bool:
    """Whether JSON calls it a number, and it is not too small."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and least <= value < 2**63


GREEDY = {"temperature": 0, "top_p": 0, "top_k": 1}


def generate(request: dict[str, Any]) -> list[str]:
    """Makes the tokens of a reply. Here your own model belongs."""
    is_greedy = any(request.get(name) == value for name, value in GREEDY.items())
    seed = 0 if is_greedy else request.get("seed", 0)
    chance = random.Random(f"{seed} {request['message']}")
    length = min(int(request.get("max_new_len", 128)), MOST_TOKENS)
    return [f"{chance.choice(WORDS)} " for _ in range(length)]


# --8<-- [start:state]
@dataclass
class Stream:
    """One generation: what is left of it, and who may fetch it now."""

    prompt: str
    tokens: list[str] | None = None  # none before it has begun
    lock: threading.Lock = field(default_factory=threading.Lock)


class Hub:
    """What the hub knows; a lock keeps its threads apart."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.generations = 0
        self.streams: dict[str, Stream] = {}
        # --8<-- [end:state]

    def answer(self, path: str, body: bytes) -> Any:
        """The JSON value that answers one request."""
        request = json.loads(body)
        if not isinstance(request, dict):
            raise Refused(2, "A request is a JSON object.")
        if "command" in request:
            return self.models(request["command"])
        if path.partition("?")[0].strip("/") != SERVICE:
            raise Refused(6, "There is no such service here.")
        check(request)
        # --8<-- [start:replies]
        reply = self.piece(request) if request.get("key") else self.whole(request)
        return {"reply": "".join(reply), "errorcode": 0}

    def whole(self, request: dict[str, Any]) -> list[str]:
        """The tokens of a whole reply."""
        with self.lock:
            self.generations += 1
        return generate(request)

    def piece(self, request: dict[str, Any]) -> list[str]:
        """The next tokens of a stream; none are its end."""
        key, prompt, size = request["key"], request["message"], request["gettokens"]
        with self.lock:
            stream = self.streams.pop(key, None)
            if stream is None or (stream.tokens == [] and stream.prompt != prompt):
                stream = Stream(prompt)
            self.streams[key] = stream
            if len(self.streams) > MOST_STREAMS:
                del self.streams[next(iter(self.streams))]  # polled longest ago
        with stream.lock:
            if stream.tokens is None:
                stream.tokens = self.whole(request)
            piece, stream.tokens = stream.tokens[:size], stream.tokens[size:]
        return piece
        # --8<-- [end:replies]

    def models(self, command: object) -> list[dict[str, Any]]:
        """The list of the services."""
        if command != "getmodels":
            raise Refused(5, "The only command is getmodels.")
        state = {"connected": True, "numreq": self.generations, "queuelen": 0}
        words = {"comment": "A model that knows twelve words", "operator": "@me"}
        return [{"name": SERVICE, **state, **words}]


class Handler(BaseHTTPRequestHandler):
    """HTTP around the hub: every POST is answered with one JSON value."""

    protocol_version = "HTTP/1.1"  # connections stay open
    wbufsize = -1  # head and body leave in one write
    timeout = 30  # a client that falls silent does not keep its thread
    hub = Hub()

    def do_POST(self) -> None:
        """Answers one request."""
        try:
            content = self.hub.answer(self.path, self.read_body())
        except Refused as refused:
            content = refused.answer
        except (ValueError, RecursionError):
            content = {"reply": "The body is not JSON in UTF-8.", "errorcode": 2}
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def read_body(self) -> bytes:
        """The body, if it has a length that can be borne."""
        length = int(self.headers.get("Content-Length", -1))
        if not 0 <= length <= MOST_BODY_BYTES:
            self.close_connection = True  # nobody reads what still comes
            raise Refused(11, "The request is too long, or does not say how long it is.")
        return self.rfile.read(length)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(f"The hub is at http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
