"""The streams of one hub: found by service and key, opened with their text's source, and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.state.answers import failure
from mockserver.state.generations import Refused
from mockserver.state.sources import WholeReplySource
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.state.answers import Answer
    from mockserver.state.behaviour import Behaviour
    from mockserver.state.circumstances import Circumstances
    from mockserver.state.exchanges import Asked, Verdict
    from mockserver.state.generations import Generation
    from mockserver.state.plan import Plan
    from mockserver.state.services import Service
    from mockserver.state.streams import Stream
    from mockserver.state.timers import Timers


class OpenStreams:
    """All streams of a hub, from their first poll until their keys are forgotten."""

    def __init__(
        self, behaviour: Behaviour, circumstances: Circumstances, limits: Mapping[str, float], timers: Timers
    ) -> None:
        self._behaviour = behaviour
        self._circumstances = circumstances
        self._limits = limits
        self._timers = timers
        self._streams: dict[tuple[str, str], Stream] = {}
        self._open = 0

    def number(self, name: tuple[str, str], message: str) -> tuple[int, bool]:
        """The number of a poll with this message in its stream, and whether it begins a generation; counts it."""
        stream = self._streams.get(name)
        if stream is None or stream.gives_way_to(message):
            return 1, True
        stream.polls += 1
        return stream.polls, False

    def stream_for(self, asked: Asked, plan: Plan, verdict: Verdict, now: float) -> Stream:
        """The stream that a poll belongs to; a new one is counted and opened.

        Raises:
            Refused: no stream can be opened, or a quota is used up.
        """
        service, generation = asked.service, asked.generation
        stream = self._streams.get(asked.stream_name)
        if stream is not None and not stream.gives_way_to(generation.message):
            self._behaviour.count(service, now, is_new=False)
            return stream
        scripted = verdict.reply is not None
        provider = None if scripted else self._circumstances.provider(service, generation, plan, now)
        self._check_new(provider, generation, now)
        self._behaviour.count(service, now, is_new=True)
        if stream is not None:
            stream.restart(now)
        return self._open_one(asked, provider, plan, verdict, now)

    def stop(self, answer: Answer, now: float) -> None:
        """Ends all streams at once, because the hub stops."""
        for stream in list(self._streams.values()):
            stream.stop(answer, now)
        self._streams.clear()

    def _check_new(self, provider: Service | None, generation: Generation, now: float) -> None:
        if generation.seq:
            why = "The hub knows no stream with this key, and `seq` is above 0."
            raise Refused(failure(ErrorCode.STREAM_EXPIRED, why))
        if self._open >= self._limits["open_streams"]:
            raise Refused(failure(ErrorCode.STREAM_LIMIT, f"The hub holds {self._open} open streams."))
        if provider is not None:
            provider.check_room(now)
            provider.frame(
                generation.poll_members(generation.gettokens) if provider.streams_itself else generation.members
            )

    def _open_one(self, asked: Asked, provider: Service | None, plan: Plan, verdict: Verdict, now: float) -> Stream:
        name, service, generation = asked.stream_name, asked.service, asked.generation
        stream = self._behaviour.stream_type(
            generation.message, self._limits, self._timers, now, self._finished, lambda: self._close(name, stream)
        )
        stream.rule = verdict.rule
        self._streams[name] = stream
        self._open += 1
        rhythm = self._circumstances.rhythm(plan, service, generation, now)
        source = (
            verdict.reply.source(generation, self._timers, stream.serve)
            if verdict.reply is not None
            else self._circumstances.source(provider, service, generation, plan, stream.serve)
        )
        stream.source = self._behaviour.source(self._circumstances.paced(source, rhythm, stream.serve))
        if isinstance(source, WholeReplySource) and provider is not None:
            source.start(provider, provider.frame(generation.members), now)
        return stream

    def _finished(self) -> None:
        self._open -= 1

    def _close(self, name: tuple[str, str], stream: Stream) -> None:
        if self._streams.get(name) is stream:
            del self._streams[name]
