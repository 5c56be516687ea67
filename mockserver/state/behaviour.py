"""What a hub does at each point where hubs can differ: the behaviour of a right one.

The hub asks its behaviour at every such point, so a hub that is wrong on purpose is a behaviour with one method
changed, and all the rest of it is the right hub. What belongs to one link, service or stream is changed in its class:
a behaviour says which classes its hub is made of.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mockserver.state.answers import failure
from mockserver.state.generations import Refused, read_generation
from mockserver.state.json_text import read_object
from mockserver.state.links import Link
from mockserver.state.services import Service
from mockserver.state.streams import Stream
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mockserver.state.answers import Answer
    from mockserver.state.generations import Generation
    from mockserver.state.sources import Source

    Headers = tuple[tuple[bytes, bytes], ...]

_ENCODER = json.JSONEncoder(allow_nan=False)
_USUAL = ("reply", "errorcode")


class Behaviour:
    """A right hub's behaviour. One instance serves one hub and may keep that hub's state."""

    link_type: type[Link] = Link
    service_type: type[Service] = Service
    stream_type: type[Stream] = Stream

    provider_tls: bool = True
    """Whether the provider port speaks TLS."""
    provider_hosts: tuple[str, ...] | None = None
    """The host names of the provider port's certificate; none for those that lead to it."""
    acknowledges_quickly: bool = True
    """Whether the provider port acknowledges a provider's bytes at once."""

    def kept_limits(self, limits: dict[str, float]) -> dict[str, float]:
        """The limits that the hub keeps, out of those that its operator set."""
        return limits

    def read_body(self, body: bytes, content_type: str) -> dict[str, Any]:  # noqa: ARG002 - the right hub ignores the type
        """The object that a body holds, whatever its content type says.

        Raises:
            BadJson: it holds none.
        """
        return read_object(body)

    def service_name(self, path: str, known: Collection[str]) -> str:  # noqa: ARG002 - names are matched exactly
        """The service that a path names, with or without the trailing slash; `known` are the hub's own."""
        name = path.removeprefix("/")
        return name.removesuffix("/")

    def check_access(self, service: Service | None, access_key: str | None, request: dict[str, Any]) -> None:  # noqa: ARG002 - for wrong hubs to differ
        """Lets a client use the service that it asks; a command asks none.

        Raises:
            Refused: the service has access keys, and this is none of them.
        """
        if service is not None and not service.admits(access_key):
            raise Refused(failure(ErrorCode.UNAUTHORIZED, "The service needs an access key."))

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """The checked request.

        Raises:
            Refused: it is answered with an error.
        """
        return read_generation(request, int(limits["max_new_len_tokens"]))

    def stream_name(self, service: Service, generation: Generation) -> tuple[str, str]:
        """What a stream is found by: its service and its key."""
        return service.settings.name, generation.key

    def source(self, source: Source) -> Source:
        """The source that a stream reads."""
        return source

    def count(self, service: Service, now: float, *, is_new: bool) -> None:
        """Counts a generation once, when it is accepted.

        Raises:
            Refused: the service's quota is used up.
        """
        if is_new:
            service.count_generation(now)

    def link_ends(self, *, in_order: bool) -> bool:  # noqa: ARG002 - any end is an end
        """Whether the end of a connection ends its link; `in_order` tells that TLS close-notify came."""
        return True

    def models(self, services: list[Service]) -> Any:
        """The model list."""
        return [service.entry() for service in services]

    def answer(self, request: dict[str, Any], answer: Answer) -> Answer:  # noqa: ARG002 - for wrong hubs to differ
        """The last word on an answer to a request."""
        return answer

    def status(self, answer: Answer, status: int) -> int:  # noqa: ARG002 - for wrong hubs to differ
        """The HTTP status of an answer, by the status that it has from the registry and the operator."""
        return status

    def headers(self, headers: Headers) -> Headers:
        """The headers of an answer that comes at once."""
        return headers

    def render(self, answer: Answer) -> bytes:
        """An answer's body: ASCII, which every deployed client reads however TCP cuts it."""
        content = answer.content
        if len(content) == len(_USUAL) and isinstance(content, dict):
            reply, code = content.get("reply"), content.get("errorcode")
            if type(reply) is str and type(code) is int:  # the usual answer, at a third of the cost of any other
                return b'{"reply": %b, "errorcode": %d}' % (_ENCODER.encode(reply).encode("ascii"), code)
        return _ENCODER.encode(content).encode("ascii")
