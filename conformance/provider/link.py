"""One connection of the suite as a provider: it logs in, sees every frame with the records it came in, and answers.

Laws: a thread reads all the time, so that what comes is timed when it comes, and ends with the connection; every wait
is bounded; nothing is answered but by the one who holds the link.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from conformance.evidence import not_judged
from conformance.provider.frames import FrameReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from conformance.provider.frames import Frame
    from conformance.provider.records import Records
    from conformance.timeline import Timeline

ACCEPTED: Final = b"OK"


class Link:
    """A connection to the hub's provider port; `patience_s` is how long it waits where nothing else is said.

    `is_shown` says whether its steps belong to the check that runs now.
    """

    def __init__(self, records: Records, timeline: Timeline, patience_s: float, *, is_shown: bool = True) -> None:
        self.records = records
        self.number = timeline.number("provider")
        self.greeting: list[bytes] = []
        self.received: list[Frame] = []
        self.answered = 0
        self.is_closed = False
        self.was_left = False
        self._timeline = timeline
        self._patience_s = patience_s
        self._reader = FrameReader()
        self._read = 0
        self._is_in = False
        self._is_interrupted = False
        self._is_shown = is_shown
        self._changed = threading.Condition()
        self._note("connect")
        self._thread = threading.Thread(target=self._listen, name="conformance link", daemon=True)
        self._thread.start()

    # -- logging in

    def log_in(self, login: Mapping[str, Any] | bytes, within: float | None = None) -> bytes | None:
        """Sends a login and returns what answers it; None when nothing came, or the hub closed.

        `is_in` says afterwards whether it was accepted.
        """
        self.send(login if isinstance(login, bytes) else json.dumps(login).encode("ascii"))
        return self.greeted(within)

    def greeted(self, within: float | None = None) -> bytes | None:
        """Waits until it is clear whether the hub accepts, and returns what it has said."""
        self._wait(lambda: self.is_in or self.is_refused or self.is_closed, within)
        return b"".join(self.greeting) or None

    @property
    def is_in(self) -> bool:
        """Whether a login was accepted: the hub said `OK`, white space around it allowed.

        An `OK` in two records, or with a frame behind it in one, counts too: that is another fault (NE-LOGIN-004) than
        a refusal.
        """
        return self._is_in

    @property
    def is_refused(self) -> bool:
        """Whether the hub said something else than `OK`."""
        return not self._is_in and not ACCEPTED.startswith(b"".join(self.greeting).strip())

    # -- what the hub sends

    def next_frame(self, within: float | None = None) -> Frame | None:
        """The next frame, a ping or a request.

        None when none comes in so many seconds, the hub closes, or it has sent what no frame begins with.
        """
        self._wait(lambda: len(self.received) > self._read or self.is_over or self._is_interrupted, within)
        with self._changed:
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
            not_judged(self.why_nothing)
        return frame

    @property
    def why_nothing(self) -> str:
        """Why no request came, in words."""
        if self.is_closed:
            return "the hub closed the provider's link"
        return "the provider was sent bytes that are no frame" if self.is_over else "the provider was sent no request"

    @property
    def is_over(self) -> bool:
        """Whether no frame can follow: the hub has closed, or sent what no frame begins with."""
        return self.is_closed or self._reader.is_lost

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

    def answer(
        self,
        payload: Mapping[str, Any] | bytes,
        digits: bytes | None = None,
        cuts: Iterable[int] = (),
        apart_s: float = 0.0,
    ) -> None:
        """Answers a request: the payload's size in 8 hex digits, or other ones, and the payload, cut as `send` does."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode("ascii")
        self.answered += 1
        self.send((b"%08X" % len(body) if digits is None else digits) + body, cuts, apart_s)

    def send(self, data: bytes, cuts: Iterable[int] = (), apart_s: float = 0.0) -> None:
        """Sends bytes; `cuts` are the places at which they are cut into writes, `apart_s` seconds apart.

        A connection that the hub has closed takes nothing, which is no fault of the check.
        """
        if not data:
            return
        places = [0, *cuts, len(data)]
        for begin, end in pairwise(places):
            if begin:
                time.sleep(apart_s)
            self._note("send", data[begin:end])
            with suppress(OSError):
                self.records.write(data[begin:end])

    def close(self) -> None:
        """Closes the connection properly."""
        self._leave("close")
        self.records.close()
        self._thread.join(self._patience_s)

    def abort(self) -> None:
        """Closes the TCP connection without TLS's close-notify."""
        self._leave("abort")
        self.records.abort()
        self._thread.join(self._patience_s)

    # -- who sees it

    def show(self, login: Mapping[str, str]) -> None:
        """Its steps belong to the check that runs now, which is given it logged in; it gets a number there."""
        self.number = self._timeline.number("provider")
        self._is_shown = True
        self._timeline.give(self.number)
        self._note("login", json.dumps(login).encode("ascii"))

    def hide(self) -> None:
        """Its steps belong to no check."""
        self._timeline.take_back(self.number)
        self._is_shown = False

    @property
    def is_at_rest(self) -> bool:
        """Whether another check can go on with it: logged in, open, nothing asked that was not answered."""
        asked = sum(not frame.is_ping for frame in self.received)
        is_open = self.is_in and not (self.is_closed or self.was_left)
        return is_open and not self.pending.strip() and asked == self.answered

    @contextmanager
    def interrupted(self) -> Iterator[None]:
        """Inside, nobody waits for a frame."""
        with self._changed:
            self._is_interrupted = True
            self._changed.notify_all()
        try:
            yield
        finally:
            self._is_interrupted = False

    # -- the thread that reads

    def _listen(self) -> None:
        while record := self.records.read():
            self._note("receive", record)
            with self._changed:
                if not self._is_in:
                    record = self._greet(record)
                if record:
                    self.received += self._reader.take(record, time.monotonic())
                self._changed.notify_all()
        if not self.was_left:
            self._note("closed")
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    def _greet(self, record: bytes) -> bytes:
        """Takes a record before the hub has accepted; returns what stands behind the `OK` in it."""
        self.greeting.append(record)
        begin, accepted, rest = b"".join(self.greeting).partition(ACCEPTED)
        rest = rest.lstrip()
        self._is_in = bool(accepted) and not begin.strip() and rest[:1] in {b"", b"{"}
        return rest if self._is_in else b""

    def _leave(self, how: str) -> None:
        if not self.was_left:
            self._note(how)
        self.was_left = True

    def _wait(self, holds: Callable[[], bool], seconds: float | None) -> bool:
        with self._changed:
            return self._changed.wait_for(holds, self._patience_s if seconds is None else seconds)

    def _note(self, what: str, data: bytes = b"") -> None:
        if self._is_shown:
            self._timeline.note("provider", self.number, what, data)
