"""Hubs that are wrong in how they write to a provider: frames, pings, and how many requests at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mockserver.state.behaviour import Behaviour
from mockserver.state.framing import PING, request_frame
from mockserver.state.links import Link
from mockserver.state.services import Service
from mockserver.wrong.wrong_hub import WrongHub, keeping, of_links, of_services
from neuroengine._generated.machines import ProviderLinkEvent, ProviderLinkState

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.jobs import Job
    from mockserver.state.links import Wire

    Send = Callable[[bytes], None]

_RECORD_BYTES = 16_384
_SHORT_RECORD_BYTES = 6_000
_HALF_BYTES = 10
_PAGE_BYTES = 4_096
_ANY_BYTES = 1_000_000


class _Rewritten:
    """A wire whose frames are written by a function; `OK` and refusals go as they are."""

    def __init__(self, wire: Wire, rewrite: Callable[[bytes, Send], None]) -> None:
        self._wire = wire
        self._rewrite = rewrite

    def write(self, data: bytes) -> None:
        """Writes a frame in the function's way."""
        if data.startswith(b"{"):
            self._rewrite(data, self._wire.write)
        else:
            self._wire.write(data)

    def reset(self) -> None:
        """Throws the connection away."""
        self._wire.reset()

    def close(self) -> None:
        """Ends the connection once everything is sent."""
        self._wire.close()


def _writing(rewrite: Callable[[bytes, Send], None]) -> type[Behaviour]:
    """A behaviour whose links write their frames by a function."""

    class Writing(Link):
        """Writes frames otherwise."""

        def __init__(self, find: Callable[[str], Service | None], wire: Wire, *more: Any, **named: Any) -> None:
            super().__init__(find, _Rewritten(wire, rewrite), *more, **named)

    return of_links(Writing)


def _with_length(frame: bytes, send: Send) -> None:
    send(b"%08X" % len(frame) + frame)


def _as_keep_alive(frame: bytes, send: Send) -> None:
    send(b'{"keepalive": 1}' if frame == PING else frame)


def _behind_a_ping(frame: bytes, send: Send) -> None:
    send(frame if frame == PING else PING + frame)


def _with_newline_behind(frame: bytes, send: Send) -> None:
    send(frame)
    send(b"\n")


def _in_halves(frame: bytes, send: Send) -> None:
    send(frame[:_HALF_BYTES])
    if frame[_HALF_BYTES:]:
        send(frame[_HALF_BYTES:])


def _in_short_records(frame: bytes, send: Send) -> None:
    if len(frame) <= _RECORD_BYTES:
        send(frame)
        return
    for start in range(0, len(frame), _SHORT_RECORD_BYTES):
        send(frame[start : start + _SHORT_RECORD_BYTES])


def _unpadded(frame: bytes, send: Send) -> None:
    send(frame.rstrip())


def _unpadded_when_long(frame: bytes, send: Send) -> None:
    send(frame.rstrip() if len(frame) > 2 * _PAGE_BYTES else frame)


def _without_pings(frame: bytes, send: Send) -> None:
    if frame != PING:
        send(frame)


class TwoOutstanding(Link):
    """A link that sends a second request while the first is unanswered; the answers come in their order."""

    _second: Job | None = None

    @property
    def is_ready(self) -> bool:
        """Whether another request may be sent."""
        is_half_free = self.state is ProviderLinkState.ANSWERING and self._second is None
        return super().is_ready or (is_half_free and bool(self.service and self.service.entry()["queuelen"]))

    def send(self, job: Job, now: float) -> None:
        """Sends the first, or the second."""
        if self.state is ProviderLinkState.ANSWERING:
            self._second = job
            self._wire.write(job.frame)
        else:
            super().send(job, now)

    def _fire(self, event: ProviderLinkEvent) -> None:
        super()._fire(event)
        if event is ProviderLinkEvent.ANSWER and self._second is not None:
            self._job, self._second = self._second, None
            super()._fire(ProviderLinkEvent.REQUEST)


class AbandonedForgotten(Link):
    """A link that takes a provider for free as soon as its client has gone."""

    def abandon(self, now: float) -> None:
        """Goes on to the next request."""
        super().abandon(now)
        self._cancel_stuck_timer()
        self.state = ProviderLinkState.READY
        if self.service is not None:
            self.service.pump(now)


class DuePingJoined(Link):
    """A link that writes a ping which was due and the next request at once."""

    def _read_answer(self, data: bytes, now: float) -> None:
        wire, joined = self._wire, _Collected()
        self._wire = joined
        super()._read_answer(data, now)
        self._wire = wire
        if joined.data:
            wire.write(joined.data)
        if joined.is_closed:
            wire.close()


class _Collected:
    """A wire that keeps what is written."""

    def __init__(self) -> None:
        self.data = b""
        self.is_closed = False

    def write(self, data: bytes) -> None:
        """Keeps the bytes."""
        self.data += data

    def close(self) -> None:
        """Keeps in mind that it is to be closed."""
        self.is_closed = True

    def reset(self) -> None:
        """Closes."""
        self.close()


class RequestsPutPingsOff(Link):
    """A link that starts its ping interval anew with every request."""

    def send(self, job: Job, now: float) -> None:
        """Puts the ping off."""
        super().send(job, now)
        self._restart_ping_timer(now)


class UnansweredPingsEnd(Link):
    """A link that gives a provider up which has not answered three pings."""

    _unanswered = 0

    def receive(self, data: bytes, now: float) -> None:
        """Any byte is a sign of life."""
        self._unanswered = 0
        super().receive(data, now)

    def _ping(self, now: float) -> None:
        super()._ping(now)
        self._unanswered += 1
        if self._unanswered == 3:
            self.close(now)


class DuePingForgotten(Link):
    """A link that leaves out a ping that falls due while a request is outstanding."""

    def _ping(self, now: float) -> None:
        if self.state in {ProviderLinkState.ANSWERING, ProviderLinkState.DISCARDING}:
            self._restart_ping_timer(now)
        else:
            super()._ping(now)


class FramesPaddedTooFar(Service):
    """A service that pads a frame without a look at the limit."""

    def frame(self, members: dict[str, Any]) -> bytes:
        """The frame with blanks up to the next 1,000 bytes."""
        frame = super().frame(members)
        return frame + b" " * (-len(frame) % 1000)


class FramesMeasuredUnescaped(Service):
    """A service that measures a request before it is escaped."""

    def frame(self, members: dict[str, Any]) -> bytes:
        """The frame, however long its escapes make it."""
        plain = json.dumps(members, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if len(plain) > self._limits["provider_frame_bytes"]:
            return super().frame(members)
        return request_frame(members, _ANY_BYTES)


class SlowAcknowledgement(Behaviour):
    """Acknowledges a provider's bytes when the system finds time for it."""

    acknowledges_quickly = False


WRONG_HUBS = (
    WrongHub("frames_have_lengths", "NE-FRAME-001", "writes a length in front of a frame", _writing(_with_length)),
    WrongHub("frames_delimited", "NE-FRAME-001", "writes a line end behind a frame", _writing(_with_newline_behind)),
    WrongHub("ping_has_no_member", "NE-FRAME-002", 'pings with {"keepalive": 1}', _writing(_as_keep_alive)),
    WrongHub("frames_coalesced", "NE-FRAME-003", "writes a ping and a request at once", _writing(_behind_a_ping)),
    WrongHub("frames_in_halves", "NE-FRAME-003", "writes a frame in two writes", _writing(_in_halves)),
    WrongHub("due_ping_joined", "NE-FRAME-003", "joins a due ping and a request", of_links(DuePingJoined)),
    WrongHub("abandoned_forgotten", "NE-FRAME-004", "goes on when a client has gone", of_links(AbandonedForgotten)),
    WrongHub("two_outstanding", "NE-FRAME-004", "sends a second request early", of_links(TwoOutstanding)),
    WrongHub("short_records", "NE-FRAME-005", "cuts long frames into short records", _writing(_in_short_records)),
    WrongHub("no_pings", "NE-FRAME-006", "sends no pings", _writing(_without_pings)),
    WrongHub("requests_put_pings_off", "NE-FRAME-006", "counts a request as a ping", of_links(RequestsPutPingsOff)),
    WrongHub("unanswered_pings_end", "NE-FRAME-007", "wants its pings answered", of_links(UnansweredPingsEnd)),
    WrongHub("due_ping_forgotten", "NE-FRAME-008", "leaves out a ping that was due", of_links(DuePingForgotten)),
    WrongHub("frames_of_any_size", "NE-FRAME-009", "sends a frame of any size", keeping(provider_frame_bytes=100)),
    WrongHub(
        "frames_measured_unescaped",
        "NE-FRAME-009",
        "measures a frame before it is escaped",
        of_services(FramesMeasuredUnescaped),
    ),
    WrongHub("frames_padded_too_far", "NE-FRAME-009", "pads a frame beyond the limit", of_services(FramesPaddedTooFar)),
    WrongHub("page_sized_frames", "NE-FRAME-010", "sends frames of 4,096 bytes", _writing(_unpadded)),
    WrongHub("long_frames_unpadded", "NE-FRAME-010", "pads short frames alone", _writing(_unpadded_when_long)),
    WrongHub("slow_acknowledgement", "NE-FRAME-012", "acknowledges late", SlowAcknowledgement),
)
