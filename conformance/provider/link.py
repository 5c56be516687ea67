"""One connection of the suite as a provider: it logs in, sees every frame with the records it came in, and answers.

Laws: a thread reads all the time, so that what comes is timed when it comes; every wait is bounded; nothing is
answered but by the one who holds the link.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from conformance.evidence import not_judged
from conformance.provider.frames import FrameReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from conformance.provider.frames import Frame
    from conformance.provider.records import Records
    from conformance.timeline import Timeline

ACCEPTED: Final = b"OK"


class Link:
    """A connection to the hub's provider port."""

    def __init__(self, records: Records, timeline: Timeline, patience_s: float) -> None:
        self.records = records
        self.number = timeline.number("provider")
        self.greeting: list[bytes] = []
        self.received: list[Frame] = []
        self.answered = 0
        self.is_closed = False
        self._timeline = timeline
        self._patience_s = patience_s
        self._reader = FrameReader()
        self._read = 0
        self._is_interrupted = False
        self._is_shown = True
        self._changed = threading.Condition()
        self._note("connect")
        threading.Thread(target=self._listen, name="conformance link", daemon=True).start()

    # -- logging in

    def log_in(self, login: Mapping[str, Any] | bytes, within: float | None = None) -> bytes | None:
        """Sends a login and returns the first record that answers it; None when none came, or the hub closed.

        `is_in` says afterwards whether it was accepted.
        """
        self.send(login if isinstance(login, bytes) else json.dumps(login).encode("ascii"))
        return self.greeted(within)

    def greeted(self, within: float | None = None) -> bytes | None:
        """Waits for the first record."""
        self._wait(lambda: bool(self.greeting) or self.is_closed, within)
        return self.greeting[0] if self.greeting else None

    @property
    def is_in(self) -> bool:
        """Whether a login was accepted: the first record is `OK`, white space around it allowed."""
        return bool(self.greeting) and self.greeting[0].strip() == ACCEPTED

    # -- what the hub sends

    def next_frame(self, within: float | None = None) -> Frame | None:
        """The next frame, a ping or a request; None when none comes in so many seconds or the hub closes."""
        self._wait(lambda: len(self.received) > self._read or self.is_closed or self._is_interrupted, within)
        with self._changed:
            self._is_interrupted = False
            if len(self.received) == self._read:
                return None
            self._read += 1
            return self.received[self._read - 1]

    def next_request(self, within: float | None = None) -> Frame | None:
        """The next frame that is no ping; None when none comes."""
        until = time.monotonic() + (self._patience_s if within is None else within)
        while frame := self.next_frame(max(until - time.monotonic(), 0)):
            if not frame.is_ping:
                return frame
        return None

    def request(self, within: float | None = None) -> Frame:
        """The next frame that is no ping; without one nothing can be judged."""
        frame = self.next_request(within)
        if frame is None:
            not_judged("the hub closed the provider's link" if self.is_closed else "the provider was sent no request")
        return frame

    @property
    def has_unread(self) -> bool:
        """Whether a request has come that nobody took."""
        return any(not frame.is_ping for frame in self.received[self._read :])

    @property
    def pending(self) -> bytes:
        """What has come since the last frame and is none."""
        return self._reader.pending

    def closes_within(self, seconds: float | None = None) -> bool:
        """Waits for the hub to close the connection; whether it did."""
        return self._wait(lambda: self.is_closed, seconds)

    # -- what the provider sends

    def answer(self, payload: Mapping[str, Any] | bytes, digits: bytes | None = None) -> None:
        """Answers a request in one write: the payload's size in 8 hex digits, or other ones, and the payload."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode("ascii")
        self.answered += 1
        self.send((b"%08X" % len(body) if digits is None else digits) + body)

    def send(self, data: bytes, cuts: Iterable[int] = ()) -> None:
        """Sends bytes; `cuts` are the places at which they are cut into writes of their own.

        A connection that the hub has closed takes nothing, which is no fault of the check.
        """
        places = [0, *cuts, len(data)]
        for begin, end in pairwise(places):
            self._note("send", data[begin:end])
            with suppress(OSError):
                self.records.write(data[begin:end])

    def close(self) -> None:
        """Closes the connection properly."""
        self._note("close")
        self.records.close()

    def abort(self) -> None:
        """Closes the TCP connection without TLS's close-notify."""
        self._note("abort")
        self.records.abort()

    # -- who sees it

    def show(self, login: Mapping[str, str]) -> None:
        """Its steps belong to the check that runs now, which is given it logged in; it gets a number there."""
        self.number = self._timeline.number("provider")
        self._is_shown = True
        self._note("login", json.dumps(login).encode("ascii"))

    def hide(self) -> None:
        """Its steps belong to no check."""
        self._is_shown = False

    @property
    def is_at_rest(self) -> bool:
        """Whether another check can go on with it: logged in, open, nothing asked that was not answered."""
        asked = sum(not frame.is_ping for frame in self.received)
        return self.is_in and not self.is_closed and not self.pending.strip() and asked == self.answered

    def interrupt(self) -> None:
        """Ends the wait for a frame, of whoever waits now or next."""
        with self._changed:
            self._is_interrupted = True
            self._changed.notify_all()

    # -- the thread that reads

    def _listen(self) -> None:
        while record := self.records.read():
            self._note("receive", record)
            with self._changed:
                if self.is_in:
                    self.received += self._reader.take(record, time.monotonic())
                else:
                    self.greeting.append(record)
                self._changed.notify_all()
        self._note("closed")
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def _wait(self, holds: Callable[[], bool], seconds: float | None) -> bool:
        with self._changed:
            return self._changed.wait_for(holds, self._patience_s if seconds is None else seconds)

    def _note(self, what: str, data: bytes = b"") -> None:
        if self._is_shown:
            self._timeline.note("provider", self.number, what, data)
