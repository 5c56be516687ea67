"""What a check asks: requests as a client, and what the hub makes of them at the suite's own provider.

Laws: what a check leaves open is ended behind it; a hub that is to be spared is asked one thing at a time.
"""

from __future__ import annotations

import json
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from conformance.evidence import not_judged
from conformance.exchange import JSON_TYPE, Exchange, Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from conformance.call import Call
    from conformance.provider.desk import Desk
    from conformance.provider.frames import Frame
    from conformance.provider.house import Answering
    from conformance.provider.link import Link
    from conformance.settings import Settings
    from conformance.subject import Subject

    Content = Mapping[str, Any] | bytes

SLICE_S: Final = 0.01
"""How often a wait for a request at the provider looks whether the client was answered meanwhile."""


class Passage(NamedTuple):
    """One request on its way through the hub: the frame at the provider, the exchange at the client."""

    frame: Frame
    exchange: Exchange


class Asker:
    """One check's way to the hub, on both of its legs."""

    def __init__(self, subject: Subject, name: str) -> None:
        self.subject = subject
        self.open_calls: list[Call] = []
        self._name = name
        self._sent_before = subject.target.sent

    @property
    def settings(self) -> Settings:
        """What to judge, and how hard."""
        return self.subject.settings

    @property
    def exchanges(self) -> int:
        """How many requests the check has sent."""
        return self.subject.target.sent - self._sent_before

    @property
    def _spares(self) -> bool:
        """Whether requests are counted."""
        return bool(self.settings.rate or self.settings.max_requests)

    def post(self, content: Content, **sending: Any) -> Exchange:
        """One exchange; see `request`."""
        return self.subject.send(self.request(content, **sending))

    def begin(self, content: Content, *, seconds: float | None = None, **sending: Any) -> Call:
        """A request that is answered later, to the provider's service unless a path is given.

        `seconds` is its deadline; the check ends what it leaves open.
        """
        if self.settings.rate and any(not call.is_answered for call in self.open_calls):
            not_judged("sends requests at the same time, which a rate forbids: --rate 0 allows it")
        sending = {"path": self.provided} | sending
        call = self.subject.begin(self.request(content, **sending), seconds)
        self.open_calls.append(call)
        return call

    @property
    def provided(self) -> str:
        """The path of the service that the suite answers for as its provider."""
        return self.subject.path_of(self.settings.provided)

    @property
    def desk(self) -> Desk:
        """The suite's place at the provider port; without one the check cannot judge."""
        desk = self.subject.desk
        if desk is None:
            not_judged("needs provider access: --provider HOST:PORT, and the service key in $NE_SERVICE_KEY")
        return desk

    @contextmanager
    def provider(self) -> Iterator[Link]:
        """The link on which the provider's service is answered: inside the block by the check alone.

        Clients whose requests are open at its end leave first, so that no request of theirs waits for who comes next.
        """
        with self.desk.held() as link:
            try:
                yield link
            finally:
                self.finish()

    def answering(self, answer: Answering) -> AbstractContextManager[Link]:
        """That link, with every request on it answered by `answer` while the block lasts."""
        return self.desk.answered(answer)

    def through(self, link: Link, content: Content, answer: Mapping[str, Any] | bytes, **sending: Any) -> Passage:
        """Sends a request through the hub, and its answer back: what came to the provider, and what to the client."""
        call = self.begin(content, **sending)
        frame = self.arrives(link, call)
        if frame is None:
            not_judged(f"the hub answered a request without its provider ({call.answer().describe()})")
        link.answer(answer)
        return Passage(frame, call.answer())

    def arrives(self, link: Link, call: Call) -> Frame | None:
        """A request as it comes to the provider; None where the hub answers it by itself."""
        until = time.monotonic() + self.settings.timeout
        while not call.is_answered and time.monotonic() < until and not link.is_over:
            frame = link.next_request(SLICE_S)
            if frame is not None:
                return frame
        if not call.is_answered:
            not_judged(link.why_nothing)
        return link.next_request(0)

    def finish(self) -> None:
        """Leaves the requests that are still open."""
        for call in self.open_calls:
            if not call.is_answered:
                call.leave()
        self.open_calls.clear()

    def post_together(self, requests: list[Request]) -> list[Exchange]:
        """Exchanges at the same time; not where the hub is to be spared."""
        if self.settings.rate:
            not_judged("sends requests at the same time, which a rate forbids: --rate 0 allows it")
        return self.subject.send_together(requests)

    def request(
        self,
        content: Content,
        *,
        path: str | None = None,
        content_type: str | None = JSON_TYPE,
        keys: tuple[str, ...] = (),
        access_key: str = "",
    ) -> Request:
        """A request that is not sent yet, to the service by default; `content` is a body, or what becomes one."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode("ascii")
        return Request(self.subject.path if path is None else path, body, content_type, keys, access_key)

    def new_key(self, length: int = 32) -> str:
        """A stream key that nobody has used. It does not follow from the seed: a key serves one stream only."""
        return secrets.token_hex((length + 1) // 2)[:length]

    def limit(self, name: str, *, waits: float = 1.0) -> float:
        """The hub's own limit, as far as it was told; `waits` is the share of it that the check would wait."""
        told = self.settings.limits.get(name)
        if told is None:
            not_judged(f"needs the hub's own limit: tell it with --limit {name}=VALUE")
        if waits and told * waits > self.settings.max_wait:
            not_judged(f"would wait {told * waits:g} s for {name}, longer than --max-wait {self.settings.max_wait:g}")
        return told
