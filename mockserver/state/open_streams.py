"""The streams of one hub: found by service and key, opened with their text's source, and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.state.answers import failure
from mockserver.state.generations import Refused
from mockserver.state.sources import ForwardedSource, TokenSource, WholeReplySource
from mockserver.state.streams import Stream
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mockserver.state.answers import Answer
    from mockserver.state.behaviour import Behaviour
    from mockserver.state.exchanges import Asked, Verdict
    from mockserver.state.generations import Generation
    from mockserver.state.timers import Timers


class OpenStreams:
    """All streams of a hub, from their first poll until their keys are forgotten.

    `generate` gives the simulated model's tokens for a request.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        limits: Mapping[str, float],
        timers: Timers,
        generate: Callable[[Generation], Iterator[str]],
    ) -> None:
        self._behaviour = behaviour
        self._limits = limits
        self._timers = timers
        self._generate = generate
        self._streams: dict[tuple[str, str], Stream] = {}
        self._open = 0

    def next_poll(self, name: tuple[str, str], message: str) -> tuple[int, bool]:
        """The number that a poll with this message would have in its stream, and whether it begins a generation."""
        stream = self._streams.get(name)
        if stream is None or stream.gives_way_to(message):
            return 1, True
        return stream.polls + 1, False

    def stream_for(self, asked: Asked, verdict: Verdict, now: float) -> Stream:
        """The stream that a poll belongs to; a new one is counted and opened.

        Raises:
            Refused: no stream can be opened, or a quota is used up.
        """
        stream = self._streams.get(asked.stream_name)
        if stream is not None and not stream.gives_way_to(asked.generation.message):
            self._behaviour.count(asked.service, now, is_new=False)
            return stream
        self._check_new(asked, verdict, now)
        self._behaviour.count(asked.service, now, is_new=True)
        if stream is not None:
            stream.restart(now)
        return self._open_one(asked, verdict, now)

    def stop(self, answer: Answer, now: float) -> None:
        """Ends all streams at once, because the hub stops."""
        for stream in list(self._streams.values()):
            stream.stop(answer, now)
        self._streams.clear()

    def _check_new(self, asked: Asked, verdict: Verdict, now: float) -> None:
        service, generation = asked.service, asked.generation
        if generation.seq:
            why = "The hub knows no stream with this key, and `seq` is above 0."
            raise Refused(failure(ErrorCode.STREAM_EXPIRED, why))
        if self._open >= self._limits["open_streams"]:
            raise Refused(failure(ErrorCode.STREAM_LIMIT, f"The hub holds {self._open} open streams."))
        if verdict.reply is None and not service.needs_no_provider(generation):
            service.check_room(now)
            service.frame(
                generation.poll_members(generation.gettokens) if service.streams_itself else generation.members
            )

    def _open_one(self, asked: Asked, verdict: Verdict, now: float) -> Stream:
        name, service, generation = asked.stream_name, asked.service, asked.generation
        stream = Stream(
            generation.message, self._limits, self._timers, now, self._finished, lambda: self._close(name, stream)
        )
        stream.rule = verdict.rule
        self._streams[name] = stream
        self._open += 1
        if verdict.reply is not None:
            scripted = verdict.reply.source(generation, self._timers, stream.serve)
            stream.source = self._behaviour.source(scripted)
        elif service.needs_no_provider(generation):
            stream.source = self._behaviour.source(TokenSource(self._generate(generation)))
        elif service.streams_itself:
            stream.source = self._behaviour.source(ForwardedSource(service, generation, stream.serve))
        else:
            source = WholeReplySource(stream.serve)
            stream.source = self._behaviour.source(source)
            source.start(service, service.frame(generation.members), now)
        return stream

    def _finished(self) -> None:
        self._open -= 1

    def _close(self, name: tuple[str, str], stream: Stream) -> None:
        if self._streams.get(name) is stream:
            del self._streams[name]
