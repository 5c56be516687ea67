"""Step 1: a hub that answers every prompt with a few words."""

import json
import random
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = "sea wind rope bread harbour light stone tide lamp keeper gull boat".split()


# --8<-- [start:model]
GREEDY = {"temperature": 0, "top_p": 0, "top_k": 1}


def generate(request: dict[str, Any]) -> list[str]:
    """Makes the tokens of a reply. Here your own model belongs."""
    is_greedy = any(request.get(name) == value for name, value in GREEDY.items())
    seed = 0 if is_greedy else request.get("seed", 0)
    chance = random.Random(f"{seed} {request['message']}")
    length = int(request.get("max_new_len", 128))
    return [f"{chance.choice(WORDS)} " for _ in range(length)]
    # --8<-- [end:model]


# --8<-- [start:http]
class Handler(BaseHTTPRequestHandler):
    """HTTP around the hub: every POST is answered with one JSON value."""

    protocol_version = "HTTP/1.1"  # connections stay open
    wbufsize = -1  # head and body leave in one write
    timeout = 30  # a client that falls silent does not keep its thread

    def do_POST(self) -> None:
        """Answers one request."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"reply": "".join(generate(request)), "errorcode": 0}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        # --8<-- [end:http]


# --8<-- [start:main]
if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    print(f"The hub is at http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
    # --8<-- [end:main]
