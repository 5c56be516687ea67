"""Those that answer the same request over HTTP: how each is started."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.peers import ANSWER, PATH, REQUEST, hub, node
from benchmarks.process import PYTHON, Server, answer_of, free_port, server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Command = Callable[[int, Path], Sequence[str]]
    """The command that serves at a port; what it needs it writes into a folder."""

BARE: Final = "bare ASGI on uvicorn"
OURS: Final = "mock hub"
OURS_TLS: Final = "mock hub, TLS"


@dataclass(frozen=True, slots=True)
class HttpPeer:
    """One of them."""

    name: str
    command: Command
    why_not: str = ""
    """Why it cannot be run here."""
    scheme: str = "http"

    @contextmanager
    def running(self) -> Iterator[Server]:
        """The server, once it has answered the request as all do."""
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            url = f"{self.scheme}://127.0.0.1:{port}{PATH}"
            with server(self.command(port, Path(folder)), url, REQUEST) as one:
                _, body = answer_of(url, REQUEST)
                if json.loads(body) != ANSWER:
                    raise ValueError(f"{self.name} answers {body!r} and not as all others do")
                yield one


def _asgi(module: str) -> Command:
    quiet = ["--no-access-log", "--log-level", "warning"]

    def command(port: int, folder: Path) -> Sequence[str]:  # noqa: ARG001 - it needs no file
        return [PYTHON, "-m", "uvicorn", f"benchmarks.peers.{module}:app", "--port", str(port), *quiet]

    return command


def peers() -> list[HttpPeer]:
    """All of them, the baseline first."""
    return [
        HttpPeer(BARE, _asgi("bare")),
        HttpPeer(OURS, hub.command),
        HttpPeer(OURS_TLS, partial(hub.command, tls=True), scheme="https"),
        HttpPeer("Starlette with pydantic", _asgi("starlette_pydantic")),
        HttpPeer("FastAPI", _asgi("fastapi_app")),
        HttpPeer("Prism", node.prism, node.why_not("prism")),
        HttpPeer("Mockoon", node.mockoon, node.why_not("mockoon")),
        HttpPeer("WireMock", node.wiremock, node.why_not("wiremock")),
        HttpPeer("WireMock with a JSON schema", partial(node.wiremock, checks=True), node.why_not("wiremock")),
    ]
