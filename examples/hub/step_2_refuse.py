"""Step 2: a hub that refuses what it cannot use, and lists its service."""

import json
import random
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SERVICE = "Islander"
WORDS = "sea wind rope bread harbour light stone tide lamp keeper gull boat".split()
# --8<-- [start:limits]
MOST_TOKENS = 512
MOST_BODY_BYTES = 64 * 1024
# --8<-- [end:limits]


# --8<-- [start:check]
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


def is_number(value: Any, *, least: int) -> bool:
    """Whether JSON calls it a number, and it is not too small."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and least <= value < 2**63
    # --8<-- [end:check]


GREEDY = {"temperature": 0, "top_p": 0, "top_k": 1}


def generate(request: dict[str, Any]) -> list[str]:
    """Makes the tokens of a reply. Here your own model belongs."""
    is_greedy = any(request.get(name) == value for name, value in GREEDY.items())
    seed = 0 if is_greedy else request.get("seed", 0)
    chance = random.Random(f"{seed} {request['message']}")
    length = min(int(request.get("max_new_len", 128)), MOST_TOKENS)
    return [f"{chance.choice(WORDS)} " for _ in range(length)]


# --8<-- [start:hub]
class Hub:
    """What the hub knows."""

    def __init__(self) -> None:
        self.generations = 0

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
        self.generations += 1
        return {"reply": "".join(generate(request)), "errorcode": 0}

    def models(self, command: object) -> list[dict[str, Any]]:
        """The list of the services."""
        if command != "getmodels":
            raise Refused(5, "The only command is getmodels.")
        state = {"connected": True, "numreq": self.generations, "queuelen": 0}
        words = {"comment": "A model that knows twelve words", "operator": "@me"}
        return [{"name": SERVICE, **state, **words}]
        # --8<-- [end:hub]


class Handler(BaseHTTPRequestHandler):
    """HTTP around the hub: every POST is answered with one JSON value."""

    protocol_version = "HTTP/1.1"  # connections stay open
    wbufsize = -1  # head and body leave in one write
    timeout = 30  # a client that falls silent does not keep its thread
    # --8<-- [start:handler]
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
        # --8<-- [end:handler]


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(f"The hub is at http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
