"""The provider's side of the link: bytes from the hub in, events out, bytes for the hub returned.

Laws:

- Pure: no socket, no clock. Whoever drives a link keeps its time limits and hands it `b""` when the hub closed.
- Every change of state is a transition of the machine `provider_link` in the spec.
- Cuts never matter: the same bytes give the same events, whole or byte by byte.
- One request at a time is given out; requests that come too early wait for their turn. Pings never wait: they are
  seen while a request is being answered.
- A link that is over stays over: it takes bytes and gives no event.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from neuroengine._generated.machines import PROVIDER_LINK, PROVIDER_LINK_INITIAL, ProviderLinkEvent, ProviderLinkState
from neuroengine._generated.registry import PING_S
from neuroengine.protocol.frames import FrameReader, UnreadableFrame, read_object, write_answer, write_login
from neuroengine.protocol.machine import Machine

REFUSAL_BYTES: Final = 512
"""How much of a refusal is kept: a sentence, not a page. No more white space than this may stand before the hub's
`OK`."""

PING_SILENCE_S: Final = 4 * PING_S
"""A ready link that heard nothing for so long, four pings of a usual hub, is dead (NE-PROV-016). Unit: seconds."""

WAITING_REQUESTS: Final = 32
"""How many requests may wait behind the outstanding one. A hub keeps to one at a time (NE-FRAME-004); this many
together are a flood."""

_ACCEPTED: Final = b"OK"
_WHITE_SPACE: Final = b" \t\r\n"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The hub took the login."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The hub refused the login, in the words of `text`; empty when it only closed."""

    text: str


@dataclass(frozen=True, slots=True)
class Ping:
    """The hub is alive. Nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, the client's members as the hub wrote them. Exactly one answer is due."""

    members: dict[str, Any]


@dataclass(frozen=True, slots=True)
class UnreadableRequest:
    """A frame that ended but could not be read, as `reason` says. Exactly one answer is due, as for a request."""

    reason: str


@dataclass(frozen=True, slots=True)
class Violation:
    """The hub broke the framing: no further frame can be found, and the link is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The hub closed the link; `mid_frame` when it had begun a frame."""

    mid_frame: bool


Event: TypeAlias = Accepted | Refused | Ping | Request | UnreadableRequest | Violation | Closed


class ProviderLink:
    """One connection to a hub, from the login to the close.

    `service` and `key` are the service's name and key; `streaming` asks the hub to forward every poll of a stream.
    """

    __slots__ = ("_events", "_frames", "_login", "_machine", "_reply", "_waiting", "service")

    def __init__(self, service: str, key: str, *, streaming: bool = False) -> None:
        self.service = service
        self._machine = Machine(PROVIDER_LINK, PROVIDER_LINK_INITIAL)
        self._login = write_login(service, key, streaming=streaming)
        self._reply = bytearray()
        self._frames = FrameReader()
        self._events: deque[Event] = deque()
        self._waiting: deque[Request | UnreadableRequest] = deque()

    @property
    def state(self) -> ProviderLinkState:
        """Where the link is in its life."""
        return self._machine.state

    @property
    def refusing(self) -> bool:
        """Whether the hub's answer to the login cannot become `OK` any more, while more of its words may come.

        To stop waiting for them, hand over `b""`.
        """
        head = bytes(self._reply).lstrip(_WHITE_SPACE)
        return self.state is ProviderLinkState.LOGGING_IN and not _ACCEPTED.startswith(head[: len(_ACCEPTED)])

    def login(self) -> bytes:
        """The login, to be sent as soon as TLS is up."""
        self._machine.fire(ProviderLinkEvent.LOGIN)
        return self._login

    def receive(self, data: bytes) -> None:
        """Takes the next bytes from the hub, `b""` when it closed; `next_event` then says what they mean."""
        if self.state is ProviderLinkState.CLOSED:
            return
        if self.state is ProviderLinkState.CONNECTED and data:
            self._break("the hub spoke before the login")
        elif self.state is ProviderLinkState.LOGGING_IN:
            self._receive_reply(data)
        elif data:
            self._receive_frames(data)
        else:
            self._machine.fire(ProviderLinkEvent.CLOSE)
            self._events.append(Closed(mid_frame=self._frames.inside_frame))

    def next_event(self) -> Event | None:
        """The next thing that happened, or None until more bytes come or the outstanding request is answered."""
        return self._events.popleft() if self._events else None

    def answer(self, payload: bytes) -> bytes:
        """The bytes that answer the outstanding request, to be sent in one write.

        A request that waited becomes the next event.

        Raises:
            IllegalEvent: no request is outstanding, or the link is over.
        """
        self._machine.fire(ProviderLinkEvent.ANSWER)
        if self._waiting:
            self._give_out(self._waiting.popleft())
        return write_answer(payload)

    def _receive_reply(self, data: bytes) -> None:
        """Reads on in the answer to the login: `OK` in white space, perhaps with frames behind it (NE-PROV-003 to 005).

        The `OK` counts as soon as it is there, since nothing tells whether more will come; what comes is then read as
        frames.
        """
        self._reply += data
        head = bytes(self._reply[:REFUSAL_BYTES]).lstrip(_WHITE_SPACE)
        if head.startswith(_ACCEPTED):
            self._machine.fire(ProviderLinkEvent.ACCEPT)
            self._events.append(Accepted())
            behind = bytes(self._reply).lstrip(_WHITE_SPACE)[len(_ACCEPTED) :]
            self._reply.clear()
            self._receive_frames(behind)
        elif not data or len(self._reply) >= REFUSAL_BYTES:
            self._machine.fire(ProviderLinkEvent.REFUSE)
            self._events.append(Refused(" ".join(_CONTROL.sub(" ", head.decode("utf-8", "replace")).split())))

    def _receive_frames(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            self._receive_frame(frame)
            if len(self._waiting) > WAITING_REQUESTS:
                self._break(f"the hub sent more than {WAITING_REQUESTS} requests while one was being answered")
                return
        if self._frames.fault is not None:
            self._break(self._frames.fault)

    def _receive_frame(self, frame: bytes) -> None:
        """Sorts a frame: with a top-level member `ping` it is a keep-alive (NE-PROV-009), else a request."""
        event: Request | UnreadableRequest
        try:
            members = read_object(frame)
        except UnreadableFrame as error:
            event = UnreadableRequest(str(error))
        else:
            if "ping" in members:
                self._machine.fire(ProviderLinkEvent.PING)
                self._events.append(Ping())
                return
            event = Request(members)
        if self._machine.allows(ProviderLinkEvent.REQUEST):
            self._give_out(event)
        else:
            self._waiting.append(event)

    def _give_out(self, request: Request | UnreadableRequest) -> None:
        self._machine.fire(ProviderLinkEvent.REQUEST)
        self._events.append(request)

    def _break(self, reason: str) -> None:
        self._machine.fire(ProviderLinkEvent.VIOLATION)
        self._events.append(Violation(reason))
