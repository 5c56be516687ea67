"""A small OpenAI-compatible server: the standard library's `http.server`, sharing no code with the library.

It lists its models, streams replies by server-sent events, notes what it was asked, and misbehaves as a test wants.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from patience import DEADLINE_S

if TYPE_CHECKING:
    import ssl

MODEL = "tiny-llm"


class Cut(Exception):
    """Raised by an answer that ends the connection before the body is whole."""


@dataclass
class Plain:
    """An answer that comes whole."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Asked:
    """A request that came."""

    path: str
    key: str | None
    body: dict[str, Any]
    has_left: Callable[[], bool]
    """Waits until the client has closed its connection; true when it has."""

    @property
    def prompt(self) -> str:
        return str(self.body["prompt"] if "prompt" in self.body else self.body["messages"][-1]["content"])


Answering = Callable[[Asked], Plain | Iterable[bytes]]


def event(value: Any, end: str = "\n\n") -> bytes:
    """One event."""
    return f"data: {value if isinstance(value, str) else json.dumps(value)}{end}".encode()


def chunk(path: str, text: str | None, finish: str | None = None) -> dict[str, Any]:
    """One chunk of a reply, in the form that the path has."""
    content = (
        {"text": text or ""} if path == "/v1/completions" else {"delta": {} if text is None else {"content": text}}
    )
    return {"id": "x", "choices": [{"index": 0, **content, "finish_reason": finish}]}


def streamed(path: str, *texts: str) -> Iterator[bytes]:
    """A whole reply, as a good server streams it."""
    if path == "/v1/chat/completions":
        yield event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
    for text in texts:
        yield event(chunk(path, text))
    yield event(chunk(path, None, "stop"))
    yield event({"choices": [], "usage": {"total_tokens": 3}})
    yield event("[DONE]")


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}}


def repeating(asked: Asked) -> Iterator[bytes]:
    """Says what was said, word by word, and how it was asked for."""
    sampling = {name: value for name, value in asked.body.items() if isinstance(value, int | float)}
    words = [f" {word}" for word in asked.prompt.split()]
    return streamed(asked.path, "You said:", *words, f" {json.dumps(sampling)}")


class OpenAIServer:
    """A server while it is entered. `answer` says what a prompt is answered with, `models` what is listed.

    A `key` makes it ask for one. With `strict` it knows the fields of OpenAI's own interface alone, and refuses others.
    """

    FIELDS = frozenset("model messages prompt stream temperature top_p max_tokens seed".split())

    def __init__(
        self,
        answer: Answering = repeating,
        *,
        key: str | None = None,
        strict: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answer = answer
        self.models: Plain = Plain(200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        self.key = key
        self.strict = strict
        self.asked: list[Asked] = []
        self.version = "HTTP/1.1"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"owner": self}))
        self._server.daemon_threads = True
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [asked.body for asked in self.asked]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join(DEADLINE_S)
        self._server.server_close()

    def replies_to(self, asked: Asked) -> Plain | Iterable[bytes]:
        """What a request is answered with."""
        if self.key is not None and asked.key != f"Bearer {self.key}":
            return Plain(401, error(f"Incorrect API key provided: {asked.key}", code="invalid_api_key"))
        if asked.path == "/v1/models":
            return self.models
        if asked.path not in {"/v1/chat/completions", "/v1/completions"}:
            return Plain(404, {"detail": "Not Found"})
        unknown = sorted(asked.body.keys() - self.FIELDS)
        if self.strict and unknown:
            return Plain(400, error(f"Unrecognized request argument supplied: {unknown[0]}"))
        return self.answer(asked)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    owner: OpenAIServer
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        self.protocol_version = self.owner.version
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else {}
        asked = Asked(self.path, self.headers.get("Authorization"), body, lambda: self.rfile.read(1) == b"")
        if self.command == "POST":
            self.owner.asked.append(asked)
        answer = self.owner.replies_to(asked)
        try:
            if isinstance(answer, Plain):
                self._send_whole(answer)
            else:
                self._send_stream(answer)
        except (Cut, OSError):
            self.close_connection = True

    def _send_whole(self, answer: Plain) -> None:
        self.send_response_only(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.payload)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.payload)

    def _send_stream(self, parts: Iterable[bytes]) -> None:
        """Each part is sent as soon as it is there; over HTTP/1.0 the end of the connection is the end of the body."""
        chunked = self.owner.version == "HTTP/1.1"
        self.send_response_only(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in parts:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Says nothing."""
