"""What a client is told over HTTP: answers with their heads, and what a request gets that is no exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.state.answers import failure, shutting_down
from mockserver.state.cors import answer_headers, preflight_headers
from mockserver.state.delivery import JSON_TYPE, Message
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.state.answers import Answer
    from mockserver.state.behaviour import Behaviour
    from mockserver.state.delivery import Headers
    from mockserver.state.exchanges import Exchange


class Messages:
    """Makes the messages of one hub.

    `matching_statuses` answers errors with the HTTP status that the registry names instead of 200; `cors` lets pages of
    this machine read answers. Both may change at any time.
    """

    def __init__(self, behaviour: Behaviour, *, matching_statuses: bool, cors: bool) -> None:
        self._behaviour = behaviour
        self.matching_statuses = matching_statuses
        self.cors = cors

    def status(self, answer: Answer) -> int:
        """The HTTP status that an answer goes out with."""
        return self._behaviour.status(answer, answer.matching_status if self.matching_statuses else 200)

    def of(self, exchange: Exchange) -> Message:
        """What an answered exchange is answered with."""
        if exchange.answer is None or exchange.status is None:
            raise RuntimeError("an exchange has no message before its answer")
        body = self._behaviour.render(exchange.answer)
        return Message(exchange.status, self._behaviour.headers(_headers(body) + exchange.headers), body)

    def no_post(self, method: str, headers: Mapping[bytes, bytes]) -> Message:
        """What a request by another method than POST is answered with; `headers` have lower-case names."""
        more: Headers = ()
        if self.cors:
            origin = headers.get(b"origin", b"")
            wanted = headers.get(b"access-control-request-method", b"")
            if method == "OPTIONS" and wanted:
                allowed = preflight_headers(origin, wanted, headers.get(b"access-control-request-headers", b""))
                if allowed is not None:
                    return Message(204, allowed, b"")
            more = answer_headers(origin)
        body = self._behaviour.render(failure(ErrorCode.INVALID_JSON, "The hub takes POST requests only."))
        return Message(405, (*_headers(body), (b"allow", b"POST"), *more), body)

    def stopping(self) -> Message:
        """What a request that is not yet whole is answered with when the hub stops."""
        return self.refusal(shutting_down())

    def refusal(self, answer: Answer) -> Message:
        """What a request is answered with that is no exchange of the hub's."""
        body = self._behaviour.render(answer)
        return Message(self.status(answer), _headers(body), body)


def _headers(body: bytes) -> Headers:
    return (JSON_TYPE, (b"content-length", b"%d" % len(body)))
