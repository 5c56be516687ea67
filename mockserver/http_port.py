"""The hub's HTTP door on the wire: uvicorn's protocol, kept from clients that break HTTP, send slowly or do not read.

Laws:

- What is not HTTP is answered once, in JSON, and never between two answers; then the connection ends. It is no fault of
  the hub's own: the log has it among what is for debugging.
- A head may have so many bytes, and a head and a body may take so long (`http_header_bytes`, `http_header_s`,
  `http_body_s`).
- Of requests that come before their turn one is read, and as many bytes are kept as TCP gives at a time. What a client
  leaves unread holds its next answers back, and ends its connection after `unread_s` without a byte that it took.

Times are on the hub's clock, like all of its limits.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl

from mockserver.client_wire import CONNECTION
from mockserver.patience import Patience
from mockserver.state.answers import failure
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from socket import socket

    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.server import ServerState

    from mockserver.admin.app import AdminApp
    from mockserver.app import HubApp
    from mockserver.keeper import Keeper
    from mockserver.state.answers import Answer

    _Base = HttpToolsProtocol
else:
    _Base = object

KEEP_ALIVE_S = 300
"""How long an idle HTTP connection is kept, in seconds: longer than a test pauses."""

GOODBYE_S = 1.0
"""The most time that a client gets to read why its connection ends, in seconds."""

READ_BYTES = 8_192
"""About how much TCP may hold for a connection that is not read, and so how much comes at a time."""

HELD_BYTES = 4_096
"""How much is kept of requests whose turn is not yet before TCP holds the rest back."""

WRITTEN_BYTES = 65_536
"""About how much TCP may hold that a client has not read."""

UNREAD_BYTES = 4_096
"""How much a client may leave unread before its next answer waits."""

_SLICE_BYTES = 512
"""How much is parsed at a time: behind a request of a usual size its connection can stop at the next one."""


class _Quiet(logging.Filter):
    """Lets warnings pass as what is for debugging: they tell of strangers who send what is no HTTP."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno == logging.WARNING:
            record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
        return logger.isEnabledFor(record.levelno)


logger = logging.getLogger("mockserver.http")
logger.addFilter(_Quiet())


class _Flow(FlowControl):
    """Pauses reading for two reasons: because uvicorn wants it, or because enough lies unread here."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._is_held = False
        self._is_wanted = False

    def hold(self, *, is_held: bool) -> None:
        """Holds the client's next bytes back, or does so no more."""
        self._is_held = is_held
        self._apply()

    def pause_reading(self) -> None:
        self._is_wanted = True
        self._apply()

    def resume_reading(self) -> None:
        self._is_wanted = False
        self._apply()

    def _apply(self) -> None:
        if self._transport.is_closing():
            return
        if self._is_held or self._is_wanted:
            super().pause_reading()
        else:
            super().resume_reading()


def serve_http(keeper: Keeper, app: HubApp | AdminApp, connections: ServerState, listener: socket) -> Callable[[], Any]:
    """Makes the factory of protocols for `loop.create_server` on a bound socket; `connections` holds the open ones."""
    listener.setsockopt(SOL_SOCKET, SO_RCVBUF, READ_BYTES)
    listener.setsockopt(SOL_SOCKET, SO_SNDBUF, WRITTEN_BYTES)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()

    class Connection(GuardedConnection, config.http_protocol_class):  # type: ignore[name-defined,misc]  # by the parser
        """The guard in front of what it guards."""

    return lambda: Connection(keeper, config=config, server_state=connections, app_state={})


class GuardedConnection(_Base):
    """One client's connection, in front of uvicorn's own class for the parser that is installed."""

    def __init__(self, keeper: Keeper, **settings: Any) -> None:
        super().__init__(**settings)
        self.logger = logger
        self.access_log = False
        self.app_state[CONNECTION] = self
        self._keeper = keeper
        self._unfed = bytearray()
        self._is_feeding = False
        self._is_over = False
        self._watchers: set[asyncio.Future[None]] = set()
        self._head_bytes = 0
        self._cycles: list[Any] = []
        """The requests whose answers are not out, in their order."""

    # -- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """TCP is up, and TLS."""
        super().connection_made(transport)
        self.flow = self._flow = _Flow(transport)
        self._patience = Patience(self._keeper, self.loop, transport, self._sends_too_slowly)
        transport.set_write_buffer_limits(UNREAD_BYTES)
        # Until its first byte it is as idle as between two requests.
        self.timeout_keep_alive_task = self.loop.call_later(KEEP_ALIVE_S, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._is_over = True
        self._unfed.clear()
        self._unset_keepalive_if_required()
        self._patience.end()
        for cycle in self._unanswered():  # uvicorn tells the last one alone
            _lose(cycle)
        for watcher in self._watchers:
            if not watcher.done():
                watcher.set_result(None)
        super().connection_lost(exc)

    def watch(self) -> asyncio.Future[None]:
        """Is done when the client has gone; whoever watches no more cancels it. Costs a tenth of a task that reads."""
        watcher: asyncio.Future[None] = self.loop.create_future()
        if self.parser is None:
            watcher.set_result(None)
        else:
            self._watchers.add(watcher)
            watcher.add_done_callback(self._watchers.discard)
            self.flow.resume_reading()
        return watcher

    def timeout_keep_alive_handler(self) -> None:
        """The connection was idle for too long."""
        super().timeout_keep_alive_handler()
        self._patience.await_reader()

    def _end(self) -> None:
        """Ends the connection behind what was written; what still comes is not looked at."""
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            # To close at once would reset the connection, and with it what the client has not read yet.
            self.transport.write_eof()
            self.loop.call_later(GOODBYE_S, self.transport.abort)
        else:
            self.transport.close()
            self._patience.await_reader()

    # -- what comes

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if not self._is_over:
            self._unset_keepalive_if_required()
            self._unfed += data
            self._feed()

    def _feed(self) -> None:
        """Parses what has come, up to the request whose turn is not yet."""
        if self._is_feeding:
            return
        self._is_feeding = True
        while self._unfed and not self.pipeline:
            piece = bytes(self._unfed[:_SLICE_BYTES])
            del self._unfed[:_SLICE_BYTES]
            self._parse(piece)
        self._is_feeding = False
        if not self._is_over:
            self._flow.hold(is_held=len(self._unfed) >= HELD_BYTES)
            self._watch_sender()

    def _parse(self, piece: bytes) -> None:
        cycle = self.cycle
        if cycle is None or not cycle.more_body:
            self._head_bytes += len(piece)
        super().data_received(piece)
        self._note_cycle()
        limit = self._keeper.state.limits["http_header_bytes"]
        if self.cycle is not cycle:
            self._head_bytes = 0
        elif self._head_bytes > limit:
            why = f"The request's first line and headers are over {limit:g} bytes."
            self._break_off(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, failure(ErrorCode.REQUEST_TOO_LARGE, why))

    def on_headers_complete(self) -> None:
        """A request begins."""
        super().on_headers_complete()
        self._note_cycle()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or what stands like one behind a body."""
        if self.cycle is None or not self.cycle.more_body:  # what comes behind a body is no header
            super().on_header(name, value)

    def _note_cycle(self) -> None:
        if self.cycle is not None and self.cycle not in self._cycles[-1:]:
            self._cycles = [*self._unanswered(), self.cycle]

    def _unanswered(self) -> list[Any]:
        return [cycle for cycle in self._cycles if not cycle.response_complete]

    # -- what is no HTTP

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words name no way out
        """Something came that is no HTTP."""
        self._break_off(HTTPStatus.BAD_REQUEST, failure(ErrorCode.INVALID_JSON, "The request is not HTTP/1.1."))

    def _unsupported_upgrade_warning(self) -> None:
        # The parser has skipped the body of such a request.
        why = "The hub speaks HTTP/1.1 and upgrades to nothing else."
        self._break_off(HTTPStatus.BAD_REQUEST, failure(ErrorCode.INVALID_JSON, why), broken=self.cycle)

    def _break_off(
        self, status: HTTPStatus = HTTPStatus.OK, answer: Answer | None = None, *, broken: Any = None
    ) -> None:
        """Ends the connection behind the answers to earlier requests, with an answer to the one that is broken.

        If none is named, that is the one whose body is still to come.
        """
        if self._is_over:
            return
        self._is_over = True
        self._unfed.clear()
        self._patience.await_no_bytes()
        if broken is None and self.cycle is not None and self.cycle.more_body:
            broken = self.cycle
        earlier = [cycle for cycle in self._unanswered() if cycle is not broken]
        was_begun = broken is not None and broken.response_started
        if broken is not None:
            _lose(broken)
        if earlier:
            earlier[-1].keep_alive = False
            return
        if answer is not None and not was_begun:
            self._write(status, self._keeper.state.behaviour.render(answer))
        self._end()

    def _write(self, status: HTTPStatus, body: bytes) -> None:
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode("ascii") + body)

    # -- who is waited for

    def _watch_sender(self) -> None:
        if self._unfed or self.flow.read_paused:
            self._patience.await_no_bytes()  # it is the hub that waits with reading
        elif self.cycle is not None and self.cycle.more_body:
            self._patience.await_bytes("http_body_s", self.cycle)
        elif self._head_bytes:
            self._patience.await_bytes("http_header_s", self.cycle)
        else:
            self._patience.await_no_bytes()

    def _sends_too_slowly(self) -> None:
        self._break_off()

    def pause_writing(self) -> None:
        """The client leaves unread what it was sent."""
        super().pause_writing()
        self._patience.await_reader()

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        self._patience.await_no_reader()

    # -- the next request

    def on_response_complete(self) -> None:
        """An answer is out: the next request's turn."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._patience.await_reader()
        else:
            self._feed()


def _lose(cycle: Any) -> None:
    """Tells a request's task that its client has gone."""
    cycle.disconnected = True
    cycle.message_event.set()
