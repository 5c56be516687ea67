"""What a hub that is wrong on purpose is, and the common ways to make one out of a right one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.state.answers import Answer, success
from mockserver.state.behaviour import Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.links import Link
    from mockserver.state.services import Service
    from mockserver.state.sources import Source
    from mockserver.state.streams import Stream

    Members = dict[str, Any]


class WrongHub(NamedTuple):
    """One way to be wrong: its name, the id of the requirement that it breaks, what it does, and the behaviour."""

    name: str
    breaks: str
    summary: str
    behaviour: type[Behaviour]


def answering(change: Callable[[Members], Members]) -> type[Behaviour]:
    """A behaviour that changes the members of every answer but a model list."""

    class Answering(Behaviour):
        """Changes answers."""

        def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
            """Changes one."""
            content = answer.content
            return answer if isinstance(content, list) else Answer(change(content), answer.code)

    return Answering


def keeping(**factors: float) -> type[Behaviour]:
    """A behaviour whose limits are so many times what they were set to."""

    class Keeping(Behaviour):
        """Keeps other limits."""

        def kept_limits(self, limits: dict[str, float]) -> dict[str, float]:
            """Widens or narrows them."""
            return limits | {name: limits[name] * factor for name, factor in factors.items()}

    return Keeping


def of_links(kind: type[Link]) -> type[Behaviour]:
    """A behaviour whose links to providers are of that class."""

    class OfLinks(Behaviour):
        """Has other links."""

        link_type = kind

    return OfLinks


def of_services(kind: type[Service]) -> type[Behaviour]:
    """A behaviour whose services are of that class."""

    class OfServices(Behaviour):
        """Has other services."""

        service_type = kind

    return OfServices


def of_streams(kind: type[Stream]) -> type[Behaviour]:
    """A behaviour whose streams are of that class."""

    class OfStreams(Behaviour):
        """Has other streams."""

        stream_type = kind

    return OfStreams


class Altered:
    """A source that alters what another one gives; by itself it alters nothing."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.forwards = source.forwards

    def take(self, most: int, now: float) -> Answer | None:
        """The other one's next piece."""
        return self._source.take(most, now)

    def stop(self, now: float) -> None:
        """Stops the other one."""
        self._source.stop(now)


class InTwo(Altered):
    """A source that cuts the pieces of another one in two, and gives the second part for the next one."""

    _rest = ""

    def take(self, most: int, now: float) -> Answer | None:
        """The second part, or a piece up to it."""
        if self._rest:
            rest, self._rest = self._rest, ""
            return success(rest)
        piece = self._source.take(most, now)
        if piece is None or piece.code or isinstance(piece.content, list):
            return piece
        first, self._rest = self.parts(piece.content["reply"])
        return Answer(piece.content | {"reply": first})

    def parts(self, text: str) -> tuple[str, str]:
        """The two parts of a text; the second one is empty where it stays whole."""
        raise NotImplementedError


def reading(kind: type[Altered]) -> type[Behaviour]:
    """A behaviour whose streams read through a source of that class."""

    class Reading(Behaviour):
        """Alters what a stream reads."""

        def source(self, source: Source) -> Source:
            """Wraps the source."""
            return kind(source)

    return Reading


def is_end(answer: Answer | None) -> bool:
    """Whether an answer is a stream's empty end."""
    return answer is not None and isinstance(answer.content, dict) and answer.content["reply"] == ""
