"""One stream: a generation that is fetched in pieces under a key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from conformance.evidence import not_judged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.call import Call
    from conformance.exchange import Exchange
    from conformance.judge import Judge

TRIES: Final = 3
PAUSES_S: Final = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
"""How long to wait before a poll is repeated: the first time not at all, then longer and longer."""


class Stream:
    """Polls a stream and keeps what came.

    A poll that is answered with an error is repeated, as deployed clients do, for the time of one exchange: a slow
    model is no fault.

    Args:
        random: what in the key is by chance, and is drawn anew where a breach is shown again; all of it by default.
    """

    def __init__(
        self, judge: Judge, fields: Mapping[str, Any], key: str, path: str | None = None, random: str = ""
    ) -> None:
        self._judge = judge
        self._fields = dict(fields)
        self._path = path
        self.key = key
        self._random = (random or key,)
        self.polls: list[Exchange] = []
        self.pieces: list[str] = []
        self.has_ended = False
        self.has_lost_a_poll = False

    @property
    def text(self) -> str:
        """What the pieces make so far."""
        return "".join(self.pieces)

    @property
    def most_polls(self) -> int:
        """How many polls of a stream that ends there can be."""
        return self._judge.subject.most_polls

    def fields(self, **changes: Any) -> dict[str, Any]:
        """The object that a poll sends; a change to None leaves the field out."""
        fields = self._fields | {"key": self.key} | changes
        return {name: value for name, value in fields.items() if value is not None}

    def poll_once(self, **changes: Any) -> Exchange:
        """One poll, whatever it is answered with; kept as evidence, not as a piece."""
        exchange = self._judge.post(self.fields(**changes), path=self._path, keys=self._random)
        self.polls.append(exchange)
        return exchange

    def poll(self, **changes: Any) -> Exchange:
        """The next piece or the end, or the error that did not go away."""
        until = time.monotonic() + self._patience_s
        pauses = iter(PAUSES_S)
        tries = 0
        while True:
            exchange = self.poll_once(**changes)
            tries += 1
            self.has_lost_a_poll |= bool(exchange.trouble)
            if exchange.is_success or (tries >= TRIES and (not exchange.is_error or time.monotonic() > until)):
                break
            if exchange.is_error:
                self._judge.subject.pause(next(pauses, PAUSES_S[-1]))
        self._keep(exchange)
        return exchange

    def try_once(self, **changes: Any) -> Exchange:
        """One poll for the next piece or the end; an error is not waited for to go away."""
        exchange = self.poll_once(**changes)
        self.has_lost_a_poll |= bool(exchange.trouble)
        self._keep(exchange)
        return exchange

    def begin(self, *, seconds: float | None = None, **changes: Any) -> Call:
        """A poll that is answered later; `seconds` is its deadline. `take` takes its answer."""
        sending = {} if self._path is None else {"path": self._path}
        return self._judge.begin(self.fields(**changes), seconds=seconds, keys=self._random, **sending)

    def take(self, exchange: Exchange) -> Exchange:
        """Takes what such a poll brought, for the next piece or the end if it succeeded."""
        self.polls.append(exchange)
        self._keep(exchange)
        return exchange

    def _keep(self, exchange: Exchange) -> None:
        if exchange.is_success:
            self.pieces += [exchange.reply] if exchange.reply else []
            self.has_ended = not exchange.reply

    @property
    def _patience_s(self) -> float:
        """How long a poll is repeated. A hub that soon forgets a failed stream would begin it anew meanwhile."""
        settings = self._judge.settings
        return min(settings.timeout, settings.limits.get("end_kept_s", settings.timeout) / 2)

    def is_whole(self) -> None:
        """Ends the check when a poll was lost: the deployed protocol may have lost its piece with it."""
        if self.has_lost_a_poll:
            not_judged("a poll got no answer, and a piece was perhaps lost with it")

    def read(self, sizes: Iterable[int | str | None]) -> Exchange:
        """Polls with the sizes in turn, the last one again and again, until the end, an error, or too many polls."""
        order = iter(sizes)
        size = next(order)
        for _ in range(self.most_polls):
            exchange = self.poll(gettokens=size)
            if self.has_ended or not exchange.is_success:
                break
            size = next(order, size)
        return exchange
