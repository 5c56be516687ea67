"""Whether something is to be generated for a post: its service, the access key and the fields, in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.state.answers import Answer, failure
from mockserver.state.exchanges import Asked, Exchange
from mockserver.state.generations import Refused
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.state.behaviour import Behaviour
    from mockserver.state.open_streams import OpenStreams
    from mockserver.state.services import Service


class Admission:
    """Checks the posts of a hub."""

    def __init__(
        self,
        services: Mapping[str, Service],
        behaviour: Behaviour,
        limits: Mapping[str, float],
        streams: OpenStreams,
    ) -> None:
        self._services = services
        self._behaviour = behaviour
        self._limits = limits
        self._streams = streams

    def check(self, exchange: Exchange, access_key: str | None) -> Asked | Answer | None:
        """What is to be generated, or the answer to a request that deserves no generation; None for a command.

        The exchange is told which poll of its stream it is.

        Raises:
            Refused: a command is answered with an error.
        """
        name, request = exchange.service, exchange.request
        if "command" in request:
            self._behaviour.check_access(None, access_key, request)
            return None
        exchange.poll = 1 if request.get("key") else 0
        service = self._services.get(name)
        if service is None:
            return failure(ErrorCode.UNKNOWN_SERVICE, f"There is no service {name[:80]!r} here.")
        try:
            self._behaviour.check_access(service, access_key, request)
            generation = self._behaviour.read_generation(request, self._limits)
        except Refused as refused:
            return refused.answer
        if not generation.key:
            return Asked(service, generation)
        stream_name = self._behaviour.stream_name(service, generation)
        exchange.poll, exchange.begins = self._streams.number(stream_name, generation.message)
        return Asked(service, generation, stream_name)
