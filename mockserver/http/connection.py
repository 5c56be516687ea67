"""One client's connection: requests in their order, kept from clients that break HTTP, send slowly or do not read.

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

import asyncio
import logging
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from mockserver.http.flow import Flow
from mockserver.http.reader import NotHttp, Reader, Upgrade
from mockserver.patience import Patience
from mockserver.state.answers import failure
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from mockserver.http.door import Door
    from mockserver.http.turn import Turn
    from mockserver.state.answers import Answer
    from mockserver.state.delivery import Message

KEEP_ALIVE_S = 300
"""How long an idle HTTP connection is kept, in seconds: longer than a test pauses."""

GOODBYE_S = 1.0
"""The most time that a client gets to read why its connection ends, in seconds."""

HELD_BYTES = 4_096
"""How much is kept of requests whose turn is not yet before TCP holds the rest back."""

BODY_BYTES = 65_536
"""How much of a body may wait for its application before TCP holds the rest back."""

UNREAD_BYTES = 4_096
"""How much a client may leave unread before its next answer waits."""

_SLICE_BYTES = 512
"""How much is parsed at a time: behind a request of a usual size its connection can stop at the next one."""

logger = logging.getLogger("mockserver.http")


class HttpConnection(asyncio.Protocol):
    """One client's connection at a door, which answers what comes on it."""

    transport: asyncio.Transport
    flow: Flow

    def __init__(self, door: Door) -> None:
        self._door = door
        self._keeper = door.keeper
        self._loop = asyncio.get_running_loop()
        self._reader = Reader(self)
        self._turns: deque[Turn] = deque()
        """The requests whose answers are not out, in their order."""
        self._unfed = bytearray()
        self._is_feeding = False
        self._is_over = False
        self._watchers: set[asyncio.Future[None]] = set()
        self._idle: asyncio.TimerHandle | None = None
        self._idle_since = self._loop.time()

    # -- the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is up, and TLS."""
        self._door.connections.add(self)
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(UNREAD_BYTES)
        self.flow = Flow(self.transport)
        self._patience = Patience(self._keeper, self._loop, self.transport, self._break_off)
        self._idle = self._loop.call_later(KEEP_ALIVE_S, self._look_if_idle)
        if self._keeper.is_closed:
            self.transport.abort()  # it was accepted while the hub stopped, which has looked after its clients already

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - any end is an end
        """The client has gone."""
        self._door.connections.discard(self)
        self._is_over = True
        self._unfed.clear()
        self._patience.end()
        self.flow.unread(is_unread=False)
        if self._idle is not None:
            self._idle.cancel()
        for turn in self._turns:
            turn.leave()
        for watcher in self._watchers:
            if not watcher.done():
                watcher.set_result(None)
        self._reader.close()

    def watch(self) -> asyncio.Future[None]:
        """Is done when the client has gone; whoever watches no more cancels it. Costs a tenth of a task that reads."""
        watcher: asyncio.Future[None] = self._loop.create_future()
        if self not in self._door.connections:
            watcher.set_result(None)
        else:
            self._watchers.add(watcher)
            watcher.add_done_callback(self._watchers.discard)
            self.wants_more()
        return watcher

    def shutdown(self) -> None:
        """The hub stops: ends the connection, behind the answer to a request that is there already."""
        if not self._turns:
            self.transport.close()
            return
        self._turns[-1].ends_connection = True
        if not self._turns[0].is_started:
            self._turns[0].answer(self._keeper.state.messages.stopping())

    def _look_if_idle(self) -> None:
        """Ends the connection if it was idle for too long."""
        rest = self._idle_since + KEEP_ALIVE_S - self._loop.time()
        if self._turns or self._reader.head_bytes:
            rest = KEEP_ALIVE_S
        if rest > 0:
            self._idle = self._loop.call_later(rest, self._look_if_idle)
        elif not self.transport.is_closing():
            self.transport.close()
            self._patience.await_reader()

    def _end(self) -> None:
        """Ends the connection behind what was written; what still comes is not looked at."""
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            # To close at once would reset the connection, and with it what the client has not read yet.
            self.transport.write_eof()
            self._loop.call_later(GOODBYE_S, self.transport.abort)
        else:
            self.transport.close()
            self._patience.await_reader()

    # -- what comes

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._is_over:
            return
        if self._unfed or len(data) > _SLICE_BYTES or len(self._turns) > 1:
            self._unfed += data
        else:
            self._is_feeding = True
            self._parse(data)
            self._is_feeding = False
        self._feed()

    def eof_received(self) -> bool:
        """The client has sent all; a half-open connection is of no use."""
        return False

    def _feed(self) -> None:
        """Parses what has come, up to the request whose turn is not yet."""
        if self._is_feeding:
            return
        self._is_feeding = True
        while self._unfed and len(self._turns) < 2:
            piece = bytes(self._unfed[:_SLICE_BYTES])
            del self._unfed[:_SLICE_BYTES]
            self._parse(piece)
        self._is_feeding = False
        if not self._is_over:
            self.flow.hold("unfed", is_held=len(self._unfed) >= HELD_BYTES)
            self._watch_sender()

    def _parse(self, piece: bytes) -> None:
        reader = self._reader
        try:
            reader.feed(piece)
        except Upgrade:
            why = "The hub speaks HTTP/1.1 and upgrades to nothing else."
            self._break_off(HTTPStatus.BAD_REQUEST, failure(ErrorCode.INVALID_JSON, why), broken=reader.turn)
        except NotHttp as error:
            logger.debug("what came is not HTTP: %s", error)
            self._break_off(HTTPStatus.BAD_REQUEST, failure(ErrorCode.INVALID_JSON, "The request is not HTTP/1.1."))
        limit = self._keeper.state.limits["http_header_bytes"]
        if reader.head_bytes > limit:
            why = f"The request's first line and headers are over {limit:g} bytes."
            self._break_off(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, failure(ErrorCode.REQUEST_TOO_LARGE, why))

    def begins(self, turn: Turn) -> None:
        """A request's head is there."""
        if self._is_over:
            turn.leave()  # nobody waits for this answer any more
            return
        self._turns.append(turn)
        self._answer(turn)

    def goes_on(self, turn: Turn) -> None:
        """More of a request is there."""
        if turn.is_started:
            turn.arrived()
            self.flow.hold("body", is_held=turn.size > BODY_BYTES)
        elif turn.is_whole or turn.size > self._keeper.state.limits["http_body_bytes"]:
            self._answer(turn)

    # -- the answers, in their order

    def _answer(self, turn: Turn) -> None:
        """Has a request answered, if it is its turn."""
        if self._turns and self._turns[0] is turn and not turn.has_left:
            self._door.answer(turn, is_unread=self.flow.is_unread)

    def answered(self, turn: Turn) -> None:
        """An answer is out: the next request's turn."""
        if self._turns and self._turns[0] is turn:
            self._turns.popleft()
        if turn.ends_connection:
            self._is_over = True
            self._unfed.clear()
            self._patience.await_no_bytes()
            self.transport.close()
        if self.transport.is_closing():
            self._patience.await_reader()
            return
        self._idle_since = self._loop.time()
        self.wants_more()
        if self._turns:
            self._answer(self._turns[0])
        self._feed()

    def wants_more(self) -> None:
        """Somebody waits for what comes next."""
        self.flow.hold("body", is_held=False)

    def failed(self) -> Message:
        """What a request is answered with that its application has failed at."""
        return self._door.failed()

    # -- what is no HTTP

    def _break_off(
        self, status: HTTPStatus = HTTPStatus.OK, answer: Answer | None = None, *, broken: Turn | None = None
    ) -> None:
        """Ends the connection behind the answers to earlier requests, with an answer to the one that is broken.

        If none is named, that is the one whose body is still to come.
        """
        if self._is_over:
            return
        self._is_over = True
        self._unfed.clear()
        self._patience.await_no_bytes()
        last = self._reader.turn
        if broken is None and last is not None and not last.is_whole:
            broken = last
        earlier = [turn for turn in self._turns if turn is not broken]
        was_begun = broken is not None and broken.is_begun
        if broken is not None:
            broken.leave()
        if earlier:
            earlier[-1].ends_connection = True
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
        last = self._reader.turn
        if self._unfed or self.flow.is_held or len(self._turns) > 1:
            self._patience.await_no_bytes()  # it is the hub that waits with reading
        elif last is not None and not last.is_whole:
            self._patience.await_bytes("http_body_s", last)
        elif self._reader.head_bytes:
            self._patience.await_bytes("http_header_s", last)
        else:
            self._patience.await_no_bytes()

    def pause_writing(self) -> None:
        """The client leaves unread what it was sent."""
        self.flow.unread(is_unread=True)
        self._patience.await_reader()

    def resume_writing(self) -> None:
        """The client has read."""
        self.flow.unread(is_unread=False)
        self._patience.await_no_reader()
