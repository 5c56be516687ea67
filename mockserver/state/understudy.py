"""The simulated model as a provider of its own, where something is to befall requests on a provider's legs.

A service that the hub answers by itself has no such legs. Its understudy logs in to a stage of its own, over a link
like any other, streams, and comes back whenever it has lost its connection.
"""

from __future__ import annotations

import json
import math
from itertools import islice
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, success
from mockserver.state.framing import LOGIN_ACCEPTED, object_is_closed
from mockserver.state.generations import Refused, read_generation
from mockserver.state.links import Link
from mockserver.state.services import Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mockserver.model import SimulatedModel
    from mockserver.state.plan import StandingFaults
    from mockserver.state.service_settings import ServiceSettings
    from mockserver.state.timers import Timers


class Understudy:
    """A provider that answers by the simulated model. `service` has its queue and link; clients see the real one."""

    def __init__(
        self,
        settings: ServiceSettings,
        model: SimulatedModel,
        limits: Mapping[str, float],
        timers: Timers,
        faults: StandingFaults,
        now: float,
    ) -> None:
        self.service = Service(settings, limits, timers, now)
        self._model = model
        self._limits = limits
        self._timers = timers
        self._faults = faults
        self._read_so_far = bytearray()
        self._streams: dict[str, Iterator[str]] = {}
        self._link = self._log_in(now)

    # -- the wire, as the link sees it

    def write(self, data: bytes) -> None:
        """Reads what the hub sends, as soon as the timers run."""
        if data != LOGIN_ACCEPTED:
            self._read_so_far += data
            self._timers.at(-math.inf, self._read)

    def close(self) -> None:
        """Loses the connection, but not what it was saying, and logs in again as soon as the timers run."""
        self._read_so_far.clear()
        self._timers.at(-math.inf, self._come_back)

    def reset(self) -> None:
        """Loses the connection; a close follows."""

    # -- the provider's program

    def _log_in(self, now: float) -> Link:
        link = Link(lambda _: self.service, self, self._limits, self._timers, now, self._faults)
        settings = self.service.settings
        link.receive(json.dumps({"user": settings.name, "key": settings.key, "streaming": True}).encode(), now)
        return link

    def _come_back(self, now: float) -> None:
        self._link = self._log_in(now)

    def _read(self, now: float) -> None:
        """Answers every request that is whole, and hangs up on what is none."""
        while not self._read_so_far.isascii() or object_is_closed(self._read_so_far):
            try:
                request, end = json.JSONDecoder().raw_decode(self._read_so_far.decode("ascii"))
            except ValueError:
                self._link.close(now)
                return
            del self._read_so_far[:end]
            self._read_so_far = self._read_so_far.lstrip()
            if "ping" not in request:
                payload = json.dumps(self._answer(request).content).encode("ascii")
                self._link.receive(b"%08X" % len(payload) + payload, now)

    def _answer(self, request: dict[str, Any]) -> Answer:
        try:
            generation = read_generation(request, int(self._limits["max_new_len_tokens"]))
        except Refused as refused:
            return refused.answer
        if not generation.key:
            return success("".join(self._model.tokens(generation.message, generation.sampling)))
        if generation.key not in self._streams:
            if len(self._streams) >= self._limits["open_streams"]:
                del self._streams[next(iter(self._streams))]
            self._streams[generation.key] = self._model.tokens(generation.message, generation.sampling)
        return success("".join(islice(self._streams[generation.key], generation.gettokens)))
